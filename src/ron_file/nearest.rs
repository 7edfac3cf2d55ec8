//! Finds the legal name that is nearest to a wrong one.

use core::fmt::Write;

/// A wrong name, the legal names, and the name that was probably meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Nearest {
    name: String,
    legal: Vec<String>,
    pub(crate) meant: Option<String>,
}

/// Looks for the legal name that `name` probably meant.
pub(crate) fn nearest<T: AsRef<str>>(name: &str, legal: &[T]) -> Nearest {
    let close = legal.iter().map(|one| {
        let is_beginning = name.len() > 2 && one.as_ref().to_lowercase().starts_with(&name.to_lowercase());
        (if is_beginning { 1 } else { distance(name, one.as_ref()) }, one.as_ref())
    });
    let limit = 1 + name.chars().count() / 3;
    let meant = close.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance <= limit);
    Nearest {
        name: name.to_owned(),
        legal: legal.iter().map(|one| one.as_ref().to_owned()).collect(),
        meant: meant.map(|(_, one)| one.to_owned()),
    }
}

impl Nearest {
    /// The error and, on a second line, the help.
    #[cfg_attr(
        not(feature = "scenario"),
        expect(dead_code, reason = "only scenarios have names of a service")
    )]
    pub(crate) fn unknown(&self, what: &str) -> String {
        format!("unknown {what} `{}`\n{}", self.name, self.help())
    }

    /// The help: the name that was probably meant, and all legal names.
    pub(crate) fn help(&self) -> String {
        let mut help = match &self.meant {
            Some(meant) => format!("did you mean `{meant}`? "),
            None => String::new(),
        };
        // Cannot fail: a `String` takes everything.
        let _ = match self.legal.as_slice() {
            [] => write!(help, "nothing is allowed here"),
            legal => write!(help, "expected {}", alternatives(legal)),
        };
        help
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn alternatives<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}

/// The number of characters to insert, delete, replace or swap with their neighbour, ignoring case (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|text| text.to_lowercase().chars().collect::<Vec<_>>());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_what_was_meant() {
        let check = |name, meant: Option<&str>| {
            let legal = ["Accept", "Accepted", "Prepare", "Promise", "Heal"];
            assert_eq!(nearest(name, &legal).meant.as_deref(), meant, "{name}");
        };
        check("Acept", Some("Accept"));
        check("acceptde", Some("Accepted"));
        check("Pormise", Some("Promise"));
        check("heal", Some("Heal"));
        check("Pre", Some("Prepare"));
        check("Zebra", None);
        check("", None);
    }

    #[test]
    fn legal_names_are_listed() {
        assert_eq!(nearest("x", &["a", "b", "c"]).help(), "did you mean `a`? expected `a`, `b` or `c`");
        assert_eq!(nearest::<&str>("x", &[]).help(), "nothing is allowed here");
    }
}
