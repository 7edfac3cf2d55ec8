//! Simpler commands, and commands and expectations renamed for a smaller cluster: both for shrinking.

use crate::scenario::Renaming;
use crate::tweets::service::vocabulary::{Asker, ReadMode, TimelineCommand, TimelineExpectation};

/// The two simplest users.
const USERS: [&str; 2] = ["a", "b"];

pub(super) fn rename_command(command: &TimelineCommand, renaming: &Renaming) -> Option<TimelineCommand> {
    let mut renamed = command.clone();
    let (site, client) = asker(&mut renamed);
    if let Some(site) = site {
        *site = renaming.site(*site)?;
    }
    if let Some(client) = client {
        *client = renaming.client(*client)?;
    }
    Some(renamed)
}

/// The site or client of the command, if it names one.
fn asker(command: &mut TimelineCommand) -> (&mut Option<u8>, &mut Option<u16>) {
    match command {
        TimelineCommand::Tweet { site, client, .. }
        | TimelineCommand::Block { site, client, .. }
        | TimelineCommand::Unblock { site, client, .. }
        | TimelineCommand::View { site, client, .. }
        | TimelineCommand::Log { site, client, .. }
        | TimelineCommand::Blocks { site, client, .. }
        | TimelineCommand::Status { site, client } => (site, client),
    }
}

pub(super) fn rename_expectation(
    expectation: &TimelineExpectation,
    renaming: &Renaming,
) -> Option<TimelineExpectation> {
    let mut renamed = expectation.clone();
    match &mut renamed {
        TimelineExpectation::View { site, .. }
        | TimelineExpectation::Log { site, .. }
        | TimelineExpectation::Applied { site, .. }
        | TimelineExpectation::Blocks { site, .. }
        | TimelineExpectation::Queue { site, .. }
        | TimelineExpectation::Answered(Asker::Site(site)) => *site = renaming.site(*site)?,
        TimelineExpectation::Chosen { site, .. } | TimelineExpectation::Unchosen { site, .. } => {
            if let Some(site) = site {
                *site = renaming.site(*site)?;
            }
        }
        TimelineExpectation::Answered(Asker::Client(client)) => *client = renaming.client(*client)?,
    }
    Some(renamed)
}

/// Simpler commands. Each omits one thing or says it with the plainest word; the first one does so with everything.
pub(super) fn commands(command: &TimelineCommand) -> Vec<TimelineCommand> {
    let mut simplest = command.clone();
    let mut simpler = Vec::new();
    for edit in EDITS {
        let mut edited = command.clone();
        edit(&mut edited);
        edit(&mut simplest);
        if edited != *command {
            simpler.push(edited);
        }
    }
    if simpler.len() > 1 {
        simpler.insert(0, simplest);
    }
    simpler
}

const EDITS: [fn(&mut TimelineCommand); 5] = [plain_words, plain_view, not_last, first_client, first_site];

fn plain_words(command: &mut TimelineCommand) {
    let [one, other] = USERS.map(str::to_owned);
    match command {
        TimelineCommand::Tweet { user, text, .. } => (*user, *text) = (one.clone(), one),
        TimelineCommand::Block { user, target, .. } | TimelineCommand::Unblock { user, target, .. } => {
            (*user, *target) = (one, other);
        }
        TimelineCommand::View { user, .. } => *user = one,
        TimelineCommand::Log { from, .. } => *from = None,
        TimelineCommand::Blocks { after, .. } => *after = None,
        TimelineCommand::Status { .. } => {}
    }
}

fn plain_view(command: &mut TimelineCommand) {
    if let TimelineCommand::View { limit, older_than, read, .. } = command {
        (*limit, *older_than, *read) = (20, None, ReadMode::Local);
    }
}

fn not_last(command: &mut TimelineCommand) {
    if let TimelineCommand::Tweet { last, .. }
    | TimelineCommand::Block { last, .. }
    | TimelineCommand::Unblock { last, .. } = command
    {
        *last = false;
    }
}

fn first_client(command: &mut TimelineCommand) {
    if let (_, Some(client)) = asker(command) {
        *client = 0;
    }
}

fn first_site(command: &mut TimelineCommand) {
    let (site, client) = asker(command);
    if client.take().is_some() || site.is_some() {
        *site = Some(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of simpler commands always ends, whichever one is taken.
    #[test]
    fn the_simplest_command_has_no_simpler_one() {
        let mut all = vec![
            TimelineCommand::Tweet {
                site: None,
                client: Some(2),
                user: "ann".into(),
                text: "hello".into(),
                last: true,
            },
            TimelineCommand::Block {
                site: Some(3),
                client: None,
                user: "b".into(),
                target: "a".into(),
                last: true,
            },
            TimelineCommand::View {
                site: None,
                client: Some(1),
                user: "ann".into(),
                limit: 3,
                older_than: Some((1, 0)),
                read: ReadMode::Quorum,
            },
            TimelineCommand::Log { site: Some(0), client: None, from: Some((1, 2)) },
            TimelineCommand::Blocks { site: Some(0), client: None, after: Some(("b".into(), "a".into())) },
        ];
        let mut steps = 0;
        while let Some(command) = all.pop() {
            all.extend(commands(&command));
            steps += 1;
            assert!(steps < 500, "no end at {command:?}");
        }
    }
}
