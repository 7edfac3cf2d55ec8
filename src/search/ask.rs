//! A question that is asked of many runs: in how many of them it is true, and what goes together with it.
//!
//! Nothing about a run is stored but the answers: whoever wants to see a run makes it again from its seed.

use alloc::sync::Arc;

use crate::scenario::{BadFile, Service, any_question, question};
use crate::search::property::Property;
use crate::search::ran::Ran;
use crate::search::source::Source;
use crate::sim::Question;

/// The most runs of one kind whose seeds are kept.
const FIRST_MAX: usize = 5;

/// Reads a question about the runs of `sources`, of which there is at least one. It may be about a site or client that
/// only some of them have. A question that none of them can answer is an error, that of the first source.
///
/// # Panics
/// Without sources.
pub fn read_question<S: Service>(text: &str, sources: &[Arc<dyn Source<S>>]) -> Result<Question, BadFile> {
    let (first, others) = sources.split_first().expect("a question is about the runs of some source");
    let read = |source: &Arc<dyn Source<S>>| match source.only() {
        Some(scenario) => question(text, scenario),
        None => any_question::<S>(text),
    };
    read(first).or_else(|bad| others.iter().find_map(|source| read(source).ok()).ok_or(bad))
}

/// How often a question was true in many runs, alone and together with a second question and with failures.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// The number of runs by what was true in them: the question, the second question, and that the run failed.
    runs: [[[u64; 2]; 2]; 2],
    /// The number of runs that were stale or undecided: their answers are about what happened until they were given up.
    pub open: u64,
    /// The first runs in which the question is true, as source and seed.
    pub first: Vec<(usize, u64)>,
    /// The first runs in which both questions are true.
    pub first_with_given: Vec<(usize, u64)>,
    /// The first runs in which the question is true and that failed.
    pub first_failed: Vec<(usize, u64)>,
}

impl Answers {
    /// Counts one run: `ran.answers` has the answer to the question and, if there is a second one, the answer to that.
    /// Runs come in order.
    pub fn add(&mut self, ran: &Ran) {
        let answer = |number: usize| ran.answers.get(number).copied().unwrap_or(false);
        let (is_true, is_given) = (answer(0), answer(1));
        let has_failed = Property::of(&ran.verdict).is_some();
        self.runs[usize::from(is_true)][usize::from(is_given)][usize::from(has_failed)] += 1;
        self.open += u64::from(!has_failed && !ran.verdict.is_pass());
        let lists = [
            (is_true, &mut self.first),
            (is_true && is_given, &mut self.first_with_given),
            (is_true && has_failed, &mut self.first_failed),
        ];
        for (is_one, list) in lists {
            if is_one && list.len() < FIRST_MAX {
                list.push((ran.source, ran.seed));
            }
        }
    }

    /// The number of runs in which what is asked for is so; `None` asks for nothing.
    pub fn count(&self, is_true: Option<bool>, is_given: Option<bool>, has_failed: Option<bool>) -> u64 {
        let is =
            |wanted: Option<bool>, place: usize| wanted.is_none_or(|wanted| usize::from(wanted) == place);
        let mut count = 0;
        for (one, of_one) in self.runs.iter().enumerate() {
            for (two, of_two) in of_one.iter().enumerate() {
                for (three, runs) in of_two.iter().enumerate() {
                    if is(is_true, one) && is(is_given, two) && is(has_failed, three) {
                        count += runs;
                    }
                }
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;
    use core::sync::atomic::AtomicBool;

    use super::*;
    use crate::scenario::toy::Toys;
    use crate::search::tests::{pinned, runs_of, sweep};
    use crate::search::{Facts, Listener};

    /// Whether site 1 has the number in time is left to chance.
    const LOSSY: &str = "network: (loss: \"30%\", latency: Uniform(\"1ms\", \"30ms\")),
        steps: [At(\"1s\", Put(site: 0, number: 5)), At(\"1120ms\", Expect(Holds(site: 1, number: 5)))]";
    const ORDER: &str = "Noted(kind: \"Kept\", who: Site(2)) before Noted(kind: \"Kept\", who: Site(1))";

    #[derive(Default)]
    struct Asked(Answers, Vec<u64>);

    impl Listener for Asked {
        fn ran(&mut self, ran: &Ran) {
            self.0.add(ran);
            self.1.push(ran.fingerprint);
        }

        fn look(&mut self, _facts: &Facts) {}
    }

    fn asked(questions: &[&str], threads: usize) -> (Answers, Vec<u64>) {
        let mut sweep = sweep(vec![pinned(LOSSY)], "0..60", threads);
        let read = |text: &&str| read_question(text, &sweep.sources).unwrap_or_else(|bad| panic!("{bad}"));
        let questions: Vec<Question> = questions.iter().map(read).collect();
        sweep.runner = sweep.runner.asking(questions);
        let mut asked = Asked::default();
        sweep.run(&AtomicBool::new(false), &mut asked);
        (asked.0, asked.1)
    }

    #[test]
    fn answers_do_not_depend_on_threads_and_asking_changes_no_run() {
        let questions =
            [ORDER, "Noted(kind: \"Kept\", who: Site(1)) then Sent(kind: \"Got\", from: Site(2))"];
        let (answers, fingerprints) = asked(&questions, 1);
        for threads in [2, 4] {
            assert_eq!(asked(&questions, threads), (answers.clone(), fingerprints.clone()));
        }
        assert_eq!(asked(&[], 2).1, fingerprints);
        let bare: Vec<u64> =
            runs_of(&sweep(vec![pinned(LOSSY)], "0..60", 2)).0.iter().map(|ran| ran.fingerprint).collect();
        assert_eq!(bare, fingerprints);
        let yes = answers.count(Some(true), None, None);
        assert!((5..55).contains(&yes), "{answers:?}");
        let (no, both) =
            (answers.count(Some(false), None, None), answers.count(Some(true), Some(true), None));
        assert!(yes + no == 60 && both < yes, "{answers:?}");
        let failed = answers.count(None, None, Some(true));
        let failed_and_true = answers.count(Some(true), None, Some(true));
        assert!(0 < failed_and_true && failed_and_true < failed && failed < 60, "{answers:?}");
        assert!(answers.first_failed.iter().all(|run| run.1 < 60) && !answers.first_failed.is_empty());
    }

    #[test]
    fn the_first_runs_are_those_in_which_it_is_true() {
        let (answers, _) = asked(&[ORDER], 2);
        assert_eq!(answers.first.len(), FIRST_MAX);
        assert!(answers.first.is_sorted() && answers.first_with_given.is_empty());
        let of_seed = |seed: u64| {
            let mut one = sweep(vec![pinned(LOSSY)], &format!("{seed}..{}", seed + 1), 1);
            one.threads = NonZeroUsize::MIN;
            one.runner = one.runner.asking([read_question(ORDER, &one.sources).unwrap()]);
            runs_of(&one).0.remove(0)
        };
        let until = answers.first[FIRST_MAX - 1].1;
        for seed in 0..=until {
            let ran = of_seed(seed);
            assert_eq!(ran.answers, [answers.first.contains(&(0, seed))], "seed {seed}");
        }
        let opposite = asked(&[&format!("not ({ORDER})")], 2).0;
        assert_eq!(opposite.count(Some(true), None, None), 60 - answers.count(Some(true), None, None));
    }

    #[test]
    fn a_question_is_refused_if_no_source_can_answer_it() {
        let small: Arc<dyn Source<Toys>> = pinned("steps: []");
        let client: Arc<dyn Source<Toys>> = pinned("clients: 1, steps: []");
        let read = |sources: &[Arc<dyn Source<Toys>>], text| read_question(text, sources).is_ok();
        assert!(!read(&[Arc::clone(&small)], "Crashed(Client(0))"));
        assert!(read(&[small, client], "Crashed(Client(0))"));
    }
}
