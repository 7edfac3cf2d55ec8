//! Writes the seeds of every fuzz target from real runs: what the scenarios' sites and clients sent, what became
//! durable, and the files themselves. Run it from the repository's root; `fuzz/README.md` explains how.
//!
//! It should write the same seeds again until the protocol or the scenarios change.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use aviary::ids::ProcessId;
use aviary::journal::{Journal, JournalConfig};
use aviary::mix::Seed;
use aviary::process::{Label, Records};
use aviary::scenario::{Scenario, plan, read};
use aviary::sim::{Judge, Observation, SimDisk, TraceLevel, TraceSettings, Violation, World, WorldSettings};
use aviary::time::{Duration, Instant};
use aviary::tweets::service::Timelines;
use aviary::tweets::site::{Message, Participant};
use aviary::wire::Wire;
use aviary_fuzz::{IDENTITY, Image, words};

/// Longer inputs are not used as seeds: a fuzzer is quick with short inputs.
const BYTES_MAX: usize = 500;

/// The seeds from all runs, each under a name of its own.
#[derive(Clone, Default)]
struct Kept {
    /// The longest datagram of each set of messages.
    datagrams: BTreeMap<String, Vec<u8>>,
    /// The longest record of each kind.
    records: BTreeMap<String, Vec<u8>>,
    /// The messages of clients in each run.
    outsiders: BTreeMap<String, Vec<u8>>,
    /// All records of the first site in the run with the most.
    durable: Vec<Vec<u8>>,
}

/// Collects seeds from one run.
#[derive(Clone, Default)]
struct Collector {
    run: String,
    kept: Kept,
    durable: Vec<Vec<u8>>,
}

impl Judge<Participant> for Collector {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Participant>) -> Result<(), Violation> {
        match seen {
            Observation::Sent { datagram, messages } => {
                let kinds: BTreeSet<&str> = messages.iter().map(Label::kind).collect();
                let name = kinds.into_iter().collect::<Vec<_>>().join("_").to_lowercase();
                keep(&mut self.kept.datagrams, name, &datagram.bytes);
                if !matches!(datagram.from, ProcessId::Site(_)) {
                    messages.iter().for_each(|message| self.add_outsider_input(datagram.from, message));
                }
            }
            Observation::Durable { process, records } => {
                for record in *records {
                    let bytes = record.to_bytes();
                    let tags: Vec<String> = bytes.iter().take(2).map(u8::to_string).collect();
                    keep(&mut self.kept.records, tags.join("_"), &bytes);
                    if *process == ProcessId::site(0) {
                        self.durable.push(bytes);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Collector {
    /// Appends a piece of an outsider's input.
    fn add_outsider_input(&mut self, from: ProcessId, message: &Message) {
        let bytes = message.to_bytes();
        let inputs = self.kept.outsiders.entry(self.run.clone()).or_default();
        let Ok(length) = u8::try_from(bytes.len()) else { return };
        if inputs.len() + bytes.len() <= BYTES_MAX {
            let client = u8::try_from(from.number() % 4).unwrap_or(0);
            inputs.extend_from_slice(&[client << 2, length]);
            inputs.extend_from_slice(&bytes);
        }
    }
}

fn keep(kept: &mut BTreeMap<String, Vec<u8>>, name: String, bytes: &[u8]) {
    let known = kept.entry(name).or_default();
    if bytes.len() > known.len() && bytes.len() <= BYTES_MAX {
        *known = bytes.to_vec();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir("scenarios")?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    // Profiles are in a folder below.
    paths.retain(|path| path.is_file());
    paths.sort();
    let (mut kept, mut texts) = (Kept::default(), BTreeMap::new());
    for path in &paths {
        let text = fs::read_to_string(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let scenario: Scenario<Timelines> = read(&name, &text).map_err(|bad| bad.render(false))?;
        kept = watched(name.clone(), &scenario, kept)?;
        texts.insert(name, text);
    }
    write("datagram", widest(kept.datagrams, 24))?;
    write("record", kept.records)?;
    write("outsider", widest(kept.outsiders, 6))?;
    write("journal", journals(&kept.durable)?)?;
    write_scenarios(&texts)
}

/// The seeds including those from this run.
fn watched(name: String, scenario: &Scenario<Timelines>, kept: Kept) -> Result<Kept, Box<dyn Error>> {
    let plan = plan(scenario).map_err(|problems| format!("{problems:?}"))?;
    let trace = TraceSettings { level: TraceLevel::Off, lines_max: 0 };
    let collector = Collector { run: name, kept, durable: Vec::new() };
    // Some runs go on for longer than a replay of their scenario; expectations do not cover that.
    let settings = WorldSettings { watchpoints: Vec::new(), ..plan.world(Seed(scenario.seed), trace) };
    let mut world = World::new(settings, collector)?;
    world.run_until(Instant::ZERO + scenario.limit.min(Duration::from_secs(20)))?;
    let Collector { mut kept, durable, .. } = world.judge().clone();
    if durable.len() > kept.durable.len() {
        kept.durable = durable;
    }
    Ok(kept)
}

/// At most `count` seeds: names with few words first, and of these the longest seeds.
fn widest(kept: BTreeMap<String, Vec<u8>>, count: usize) -> BTreeMap<String, Vec<u8>> {
    let mut kept: Vec<_> = kept.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    kept.sort_by_key(|(name, bytes)| (name.matches('_').count(), usize::MAX - bytes.len()));
    kept.into_iter().take(count).collect()
}

/// Journals of these records: fresh, begun, in two files, after a crash, and restarted.
fn journals(records: &[Vec<u8>]) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let config = JournalConfig { segment_bytes: 1_024, record_max: 300 };
    let mut disk = SimDisk::new(64 << 10);
    Journal::format(&mut disk, &IDENTITY, &config)?;
    let mut found = BTreeMap::new();
    let mut note = |name: &str, disk: &SimDisk| {
        found.extend(Image::of(disk).map(|image| (name.to_owned(), image.to_bytes())));
    };
    note("formatted", &disk);
    let (mut journal, _) = Journal::open(&mut disk, &IDENTITY)?;
    for (number, record) in records.iter().filter(|record| record.len() <= 300).take(16).enumerate() {
        let mut batch = Records::default();
        batch.push(record);
        journal.append(&mut disk, &batch)?;
        if number == 3 {
            let mut torn = disk.clone();
            torn.crash(aviary::sim::Leaves::Torn, 7);
            note("torn", &torn);
        }
        if number % 3 == 2 {
            while let Some(last) = journal.start_sync(&mut disk)? {
                finish_syncs(&mut disk)?;
                journal.on_synced(&mut disk, last)?;
            }
        }
        if number == 8 {
            (journal, _) = Journal::open(&mut disk, &IDENTITY)?;
            finish_syncs(&mut disk)?;
            note("started_again", &disk);
        }
    }
    note("long", &disk);
    Ok(found)
}

/// Writes files that contain every word, and a dictionary of the words.
fn write_scenarios(texts: &BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    let all = words::of_schema(texts.values());
    let words: BTreeMap<&String, BTreeSet<&str>> =
        texts.iter().map(|(name, text)| (name, words::of(text))).collect();
    let mut missing = all.clone();
    let mut chosen = BTreeMap::new();
    while let Some((name, text)) = texts
        .iter()
        .filter(|(name, _)| !chosen.contains_key(*name))
        .max_by_key(|(name, text)| words[name].intersection(&missing).count() * 1_000 / (text.len() + 400))
        .filter(|_| !missing.is_empty() && chosen.len() < 6)
    {
        missing = missing.difference(&words[name]).copied().collect();
        chosen.insert(name.clone(), text.clone().into_bytes());
    }
    fs::write("fuzz/scenario.dict", words::dictionary(&all))?;
    write("scenario", chosen)
}

fn write(target: &str, seeds: BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let folder = Path::new("fuzz/seeds").join(target);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let bytes: usize = seeds.values().map(Vec::len).sum();
    println!("{target}: {} seeds, {bytes} bytes", seeds.len());
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn finish_syncs(disk: &mut SimDisk) -> Result<(), String> {
    while let Some(sync) = disk.next_started() {
        disk.finish(sync).map_err(|(file, error)| format!("{file}: {error}"))?;
    }
    Ok(())
}
