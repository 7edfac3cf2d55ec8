//! Checks the files of `deploy/` by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::process::Command;

use aviary::replicated::sites_ron::Sites;

use crate::{SITE, Scratch, UNIT, run, text, tool};

pub(crate) fn example() -> Sites {
    Sites::parse("deploy/sites.ron", &text("deploy/sites.ron")).unwrap_or_else(|bad| panic!("{bad}"))
}

/// The sites by machine, as numbers.
fn machines(sites: &Sites) -> BTreeMap<IpAddr, Vec<usize>> {
    let mut machines: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (id, member) in sites.members.iter().enumerate() {
        machines.entry(member.address.ip()).or_default().push(id);
    }
    machines
}

#[test]
fn the_example_survives_the_loss_of_any_machine() {
    let sites = example();
    let machines = machines(&sites);
    let regions: BTreeSet<&str> = sites.members.iter().map(|member| member.region.as_str()).collect();
    assert_eq!((sites.members.len(), machines.len(), regions.len()), (5, 3, 2));
    for (address, here) in &machines {
        assert!(sites.members.len() - here.len() > sites.members.len() / 2, "without {address}");
        let documentation = ["192.0.2.", "198.51.100."];
        assert!(documentation.iter().any(|net| address.to_string().starts_with(net)), "{address}");
        let region = &sites.members[here[0]].region;
        assert!(here.iter().all(|id| sites.members[*id].region == *region), "{address} is in one region");
        let numbers = here.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let row = format!("| {region} | {address} | {numbers} |");
        assert!(text("docs/deploying.md").contains(&row), "the guide's table has {row}");
    }
    // One round trip between the regions, and a sync, fit into every timeout.
    assert!(sites.config.retry > aviary::time::Duration::from_millis(160));
    assert!(sites.config.election >= sites.config.heartbeat.times(5));
}

#[test]
fn the_firewall_lets_in_the_machines_and_ports_of_the_example() {
    let rules = text("deploy/aviary.nft");
    let define = |name: &str| {
        let line = rules.lines().find_map(|line| line.strip_prefix(&format!("define {name} = ")));
        line.unwrap_or_else(|| panic!("{name} is defined")).to_owned()
    };
    let sites = example();
    let addresses: Vec<String> = machines(&sites).keys().map(IpAddr::to_string).collect();
    assert_eq!(define("machines"), format!("{{ {} }}", addresses.join(", ")));
    let ports: Vec<u16> = sites.members.iter().map(|member| member.address.port()).collect();
    assert_eq!(define("ports"), format!("{}-{}", ports.iter().min().unwrap(), ports.iter().max().unwrap()));
    if let Some(nft) = tool("nft") {
        let out = run(Command::new(nft).args(["--check", "--file", "deploy/aviary.nft"]));
        let errors = String::from_utf8_lossy(&out.stderr);
        if errors.contains("Operation not permitted") {
            eprintln!("skipped: nft may not ask the kernel here");
        } else {
            assert!(out.status.success(), "{errors}");
        }
    }
}

/// The keys of each section, in order.
fn sections(unit: &str) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut sections: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut section = None;
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            assert!(sections.insert(name, Vec::new()).is_none(), "[{name}] twice");
            section = Some(name);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line:?} is no assignment"));
        let is_name = key.starts_with(|c: char| c.is_ascii_uppercase())
            && key.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(is_name && line.trim_end() == line, "{line:?}");
        let keys = sections.get_mut(section.unwrap_or_else(|| panic!("{line:?} is in a section"))).unwrap();
        assert!(keys.iter().all(|(other, _)| *other != key), "{key} twice");
        keys.push((key, value));
    }
    sections
}

#[test]
fn the_unit_is_well_formed_and_starts_a_site_with_flags_that_exist() {
    let unit = text(UNIT);
    let sections = sections(&unit);
    assert_eq!(sections.keys().copied().collect::<Vec<_>>(), ["Install", "Service", "Unit"]);
    let service: BTreeMap<&str, &str> = sections["Service"].iter().copied().collect();
    let command: Vec<&str> = service["ExecStart"].split(' ').collect();
    assert_eq!(command[..2], ["/usr/local/bin/site", "run"]);
    let help = String::from_utf8(run(Command::new(SITE).args(["run", "--help"])).stdout).unwrap();
    let flags: Vec<&&str> = command.iter().filter(|word| word.starts_with("--")).collect();
    assert_eq!(flags.len(), 5);
    for flag in flags {
        assert!(
            help.contains(&format!(" {flag} ")) || help.contains(&format!(" {flag}\n")),
            "{flag}: {help}"
        );
    }
    assert_eq!(
        service["ReadWritePaths"],
        command[command.iter().position(|word| *word == "--data").unwrap() + 1]
    );
    // Systemd restarts a site after a signal, but after none of our exit codes.
    assert_eq!(service["Restart"], "on-abnormal");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let Some(analyze) = tool("systemd-analyze") else { return };
    let scratch = Scratch::new("unit");
    let unit = text(UNIT).replace("/usr/local/bin/site", SITE);
    let verify = |text: &str| {
        let path = scratch.path("aviary-site@.service");
        std::fs::write(&path, text).unwrap();
        let out = run(Command::new(analyze).args(["verify", &path]));
        let output = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        // Output about other units of the machine is ignored.
        let ours: Vec<&str> = output.lines().filter(|line| line.contains("aviary-site")).collect();
        (out.status.success(), ours.join("\n"))
    };
    let (ended, output) = verify(&unit.replace("ProtectHome=", "ProtectHouse="));
    if !output.contains("ProtectHouse") {
        eprintln!("skipped: systemd-analyze cannot verify here: {ended} {output}");
        return;
    }
    assert_eq!(verify(&unit).1, "");
}
