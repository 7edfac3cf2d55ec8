//! Short forms of a scenario's text. RON reads a struct from its fields alone, so a short form is spelled out first.

use std::borrow::Cow;

use crate::ron_file::Place;
use crate::sim::Delivery;

/// `text` with `network: (delivery: Held)` for each `network: Held` of the scenarios at these places. Lines keep their
/// numbers.
pub(crate) fn spelled_out<'a>(text: &'a str, scenarios: &[Place]) -> Cow<'a, str> {
    let held = format!("{:?}", Delivery::Held);
    let mut spelled = Cow::Borrowed(text);
    for scenario in scenarios.iter().filter(|_| text.contains(&held)) {
        let network = scenario.field("network").locate(&spelled);
        // Where there is no such field, the whole text is found.
        if network.start > 0 && spelled.get(network.clone()) == Some(held.as_str()) {
            spelled.to_mut().replace_range(network, &format!("(delivery: {held})"));
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_network_of_a_scenario_is_spelled_out() {
        let spelled = |text| spelled_out(text, &[Place::whole(), Place::whole().field("scenario")]);
        assert_eq!(
            spelled("(about: \"Held\", network: Held)"),
            "(about: \"Held\", network: (delivery: Held))"
        );
        let nested = "F(scenario: (network: /* here */ Held, sites: 3))";
        assert_eq!(spelled(nested), "F(scenario: (network: /* here */ (delivery: Held), sites: 3))");
        for same in ["(network: (delivery: Held))", "(network: Holt)", "(disk: Held)", "Held", "(network: "] {
            assert_eq!(spelled(same), same);
        }
    }
}
