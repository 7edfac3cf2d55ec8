//! What a line of `bash` gets back.

use crate::cluster::Cluster;

#[test]
fn an_answer_into_a_pipe_that_closes_early_is_no_error() {
    let mut cluster = Cluster::init("head");
    cluster.start(&[0, 1, 2]);
    cluster.succeed("for n in 1 2 3; do $site tweet --config $config ann number $n; done");
    for words in ["log", "log --json", "view bob", "blocks", "status", "status --json"] {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let script = format!("set -o pipefail; $site {word} --config $config {rest} | head -1");
        assert_eq!(cluster.succeed(&script).lines().count(), 1, "{words}");
        cluster.succeed(&format!("set -o pipefail; $site {word} --config $config {rest} | true"));
    }
}
