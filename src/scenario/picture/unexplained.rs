//! The calls of a violation that no order explains, joined with the calls that a picture shows.

use crate::scenario::picture::PictureCall;
use crate::sim::{PlacedCall, RunEvent, UnexplainedCall, UnexplainedCalls};

/// Few calls of clients that no order explains together, and the order that explains most of them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureUnexplained {
    /// The part of the service's state that all of them are on, such as a key.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub part: Option<String>,
    /// The calls, by beginning.
    pub calls: Vec<PictureUnexplainedCall>,
    /// The order that explains most of them: places in the list above. Empty if none is known.
    pub order: Vec<usize>,
}

/// One of these calls.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureUnexplainedCall {
    /// The same call among the calls of the run, by its place there. Without one, its events are left out.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub call: Option<usize>,
    /// Who asks.
    pub process: String,
    /// What it asks, as the judge says it.
    pub text: String,
    /// When it began, in microseconds.
    pub begun: u64,
    /// When it was answered, in microseconds. Without that, the outcome is not known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub answered: Option<u64>,
    /// The answer, as the judge says it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub answer: Option<String>,
    /// Whether the order explains it. True of all calls if no order is known.
    pub fits: bool,
    /// The state that it leaves at its place of the order.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub state: Option<String>,
}

impl PictureUnexplained {
    /// Finds each call of the judge among `calls`, and adds those that the service shows none of.
    pub(super) fn of(
        unexplained: &UnexplainedCalls,
        calls: &mut Vec<PictureCall>,
        events: &[RunEvent],
    ) -> PictureUnexplained {
        let UnexplainedCalls { part, calls: of_judge, order, misfits } = unexplained;
        let mut same: Vec<Option<usize>> = Vec::with_capacity(of_judge.len());
        for call in of_judge {
            let known = found(call, calls, events, &same).or_else(|| {
                calls.push(added(call, events)?);
                Some(calls.len() - 1)
            });
            same.push(known);
        }
        // Those that were added stand at the end.
        let mut by_beginning: Vec<usize> = (0..calls.len()).collect();
        by_beginning.sort_by_key(|place| calls[*place].asked);
        let mut sorted = vec![0; calls.len()];
        for (to, from) in by_beginning.into_iter().enumerate() {
            sorted[from] = to;
        }
        calls.sort_by_key(|call| call.asked);
        let shown = |(place, call): (usize, &UnexplainedCall)| PictureUnexplainedCall {
            call: same[place].map(|known| sorted[known]),
            process: call.who.to_string(),
            text: call.operation.clone(),
            begun: call.begun.as_micros(),
            answered: call.answer.as_ref().map(|(at, _)| at.as_micros()),
            answer: call.answer.as_ref().map(|(_, answer)| answer.clone()),
            fits: !misfits.contains(&place),
            state: order.iter().find(|placed| placed.call == place).and_then(|placed| placed.state.clone()),
        };
        PictureUnexplained {
            part: part.clone(),
            calls: of_judge.iter().enumerate().map(shown).collect(),
            order: order.iter().map(|PlacedCall { call, .. }| *call).collect(),
        }
    }
}

/// The call of the same process that was answered at the same moment, or that is not answered either. A client may be
/// asked before its request leaves it, so of several the one counts that was asked last.
fn found(
    call: &UnexplainedCall,
    calls: &[PictureCall],
    events: &[RunEvent],
    taken: &[Option<usize>],
) -> Option<usize> {
    let (process, begun) = (call.who.to_string(), call.begun.as_micros());
    let answered = call.answer.as_ref().map(|(at, _)| at.as_micros());
    let is_same = |place: &usize| {
        let known = &calls[*place];
        known.process == process
            && events[known.asked].at <= begun
            && known.answered.map(|answer| events[answer].at) == answered
            && !taken.contains(&Some(*place))
    };
    (0..calls.len()).filter(is_same).max_by_key(|place| calls[*place].asked)
}

/// A call that the service does not show, from the first thing that its process did when it began to the last one when
/// it was answered. `None` if these events are left out.
fn added(call: &UnexplainedCall, events: &[RunEvent]) -> Option<PictureCall> {
    let at = |micros: u64| {
        let first = events.partition_point(|event| event.at < micros);
        let here = events[first..].iter().take_while(move |event| event.at == micros);
        (first..).zip(here).filter(|(_, event)| event.who == Some(call.who)).map(|(place, _)| place)
    };
    let asked = at(call.begun.as_micros()).next()?;
    let answered = call.answer.as_ref().and_then(|(moment, _)| at(moment.as_micros()).last());
    Some(PictureCall {
        process: call.who.to_string(),
        text: call.operation.clone(),
        asked,
        answered,
        answer: call.answer.as_ref().map(|(_, answer)| answer.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ProcessId;
    use crate::time::Instant;

    /// One event of client 0 or 1 at each of these moments.
    fn events(moments: &[(u64, u16)]) -> Vec<RunEvent> {
        let event = |(at, client): &(u64, u16)| RunEvent {
            at: *at,
            who: Some(ProcessId::Client(*client)),
            ..RunEvent::default()
        };
        moments.iter().map(event).collect()
    }

    fn of_judge(client: u16, begun: u64, answered: Option<u64>) -> UnexplainedCall {
        let answer = answered.map(|at| (Instant::from_micros(at), "yes".into()));
        let (who, begun) = (ProcessId::Client(client), Instant::from_micros(begun));
        UnexplainedCall { who, operation: "ask".into(), begun, answer }
    }

    fn shown(client: u16, asked: usize, answered: Option<usize>) -> PictureCall {
        let process = ProcessId::Client(client).to_string();
        PictureCall { process, text: "asks".into(), asked, answered, answer: None }
    }

    fn joined(
        calls: &[UnexplainedCall],
        shown: &[PictureCall],
        events: &[RunEvent],
    ) -> (Vec<Option<usize>>, Vec<PictureCall>) {
        let order = vec![PlacedCall { call: 0, state: Some("7".into()) }];
        let unexplained = UnexplainedCalls { part: None, calls: calls.to_vec(), order, misfits: vec![1] };
        let mut all = shown.to_vec();
        let joined = PictureUnexplained::of(&unexplained, &mut all, events);
        let fits: Vec<bool> = joined.calls.iter().map(|call| call.fits).collect();
        assert_eq!(fits[..2], [true, false]);
        assert_eq!(joined.calls[0].state.as_deref(), Some("7"));
        (joined.calls.iter().map(|call| call.call).collect(), all)
    }

    #[test]
    fn a_call_is_the_one_of_its_client_that_was_answered_when_it_was() {
        let events = events(&[(1, 0), (2, 1), (3, 0), (4, 0), (5, 0), (6, 1), (6, 0)]);
        // Client 0 asks twice before it is answered, and once without an answer.
        let shown = [shown(0, 0, Some(6)), shown(1, 1, Some(5)), shown(0, 2, Some(6)), shown(0, 3, None)];
        let calls =
            [of_judge(0, 2, Some(6)), of_judge(0, 4, Some(6)), of_judge(1, 2, Some(6)), of_judge(0, 5, None)];
        let (same, all) = joined(&calls, &shown, &events);
        assert_eq!(same, [Some(0), Some(2), Some(1), Some(3)]);
        assert_eq!(all, shown, "nothing is added");
    }

    #[test]
    fn a_call_that_the_service_does_not_show_is_added_where_it_began() {
        let events = events(&[(1, 1), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1), (9, 1)]);
        let (same, all) =
            joined(&[of_judge(0, 2, Some(4)), of_judge(1, 8, Some(9))], &[shown(1, 2, Some(6))], &events);
        assert_eq!(same, [Some(0), Some(1)]);
        assert_eq!((all[0].asked, all[0].answered, &*all[0].text), (1, Some(4), "ask"));
        // What is left out is not shown.
        let (same, _) = joined(&[of_judge(0, 2, Some(4)), of_judge(1, 0, Some(9))], &[], &events);
        assert_eq!(same, [Some(0), None]);
    }
}
