//! `site client-key`: a key for a client, derived from the master key of the cluster.

use std::path::PathBuf;

use aviary::replicated::sites_ron::Sites;
use aviary::udp::{CLIENT_MASTER_KEY, Key, KeyKind, KeyNumber};

use crate::error::ProgramError;
use crate::terminal;

/// The key to write, and its file.
#[derive(Debug, clap::Args)]
pub(crate) struct Write {
    /// The number of the client key: 0 to 63. The same number always gives the same key; `init` wrote number 0.
    #[arg(long, value_parser = clap::value_parser!(u8).range(..64))]
    number: u8,
    /// The cluster's sites.ron.
    #[arg(long, default_value = "sites.ron")]
    config: PathBuf,
    /// The file with the key that client keys are derived from [default: client-master.key beside the config].
    #[arg(long)]
    client_master: Option<PathBuf>,
    /// The file to write [default: client-N.key in this folder].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn write(arguments: &Write) -> Result<(), ProgramError> {
    let Write { number, config, client_master, output } = arguments;
    let sites = Sites::read(config)?;
    let key = KeyNumber::new(*number).expect("the parser allows no other");
    if sites.denied.contains(key) {
        return Err(ProgramError::Usage(format!(
            "{} denies client key {number}, so no site would hear it; take another number",
            config.display()
        )));
    }
    let master = client_master.clone().unwrap_or_else(|| config.with_file_name(CLIENT_MASTER_KEY));
    let master =
        Key::read(&master, KeyKind::ClientMaster).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let output = output.clone().unwrap_or_else(|| format!("client-{number}.key").into());
    master.client_key(key).write(&output).map_err(|error| {
        let shown = output.display();
        ProgramError::Usage(format!("failed to write {shown}: {error}; name another file with --output"))
    })?;
    let clients = key.clients();
    terminal::done(&format!(
        "wrote {}: client key {number}, for clients {} to {}\n",
        output.display(),
        clients.start(),
        clients.end()
    ));
    Ok(())
}
