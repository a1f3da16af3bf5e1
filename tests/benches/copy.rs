//! Copies an image with a layer of 1 GiB from one real registry to another: RefKit beside crane and regctl. `make
//! bench-peers` starts it; it prints a table in Markdown.
//!
//! In a round every client runs once, into a repository of its own, so that a slow phase of the machine affects all of
//! them. Time is that of the whole command; memory is the most that the process had resident (`VmHWM`). The bench fails for
//! a wrong result and for more than 64 MiB in RefKit, never for a time.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use refkit_support::image::ImageBuilder;
use refkit_support::{Auth, RealRegistry, tool};

/// The size of the layer, in bytes.
const SIZE: usize = 1 << 30;

/// How often each client runs.
const ROUNDS: usize = 3;

/// The most memory that RefKit may have resident, in bytes.
const MEMORY: u64 = 64 << 20;

/// A client, and its command line with `FROM` and `TO`.
struct Client {
    name: &'static str,
    program: PathBuf,
    words: &'static str,
    times: Vec<Duration>,
    memory: u64,
}

fn main() -> anyhow::Result<()> {
    let (from, to) = (RealRegistry::distribution_v3(Auth::Anonymous)?, RealRegistry::distribution_v3(Auth::Anonymous)?);
    let image = ImageBuilder::new("linux/amd64").layer("application/vnd.oci.image.layer.v1.tar", content()).build();
    for (_, bytes) in image.blobs() {
        from.put_blob("bench/app", bytes)?;
    }
    from.put_manifest("bench/app", Some("1"), &image.descriptor.media_type, &image.bytes)?;
    let client = |name, program, words| Client { name, program, words, times: Vec::new(), memory: 0 };
    let mut clients = [
        client("refkit", refkit_support::command()?, "copy --no-cache FROM TO"),
        client("crane", tool("crane")?, "copy --insecure FROM TO"),
        client(
            "regctl",
            tool("regctl")?,
            "--host reg=FROM_HOST,tls=disabled --host reg=TO_HOST,tls=disabled image copy FROM TO",
        ),
    ];
    for round in 0..ROUNDS {
        for client in &mut clients {
            let repository = format!("{}-{round}/app", client.name);
            let target = format!("{}/{repository}:1", to.host());
            client.run(&from, &to, &target).with_context(|| client.name)?;
            let read = Command::new(tool("crane")?).args(["digest", "--insecure", &target]).output()?;
            let digest = String::from_utf8_lossy(&read.stdout).trim().to_owned();
            ensure!(digest == image.digest().as_str(), "{}: {target} is {digest:?}", client.name);
        }
    }
    print(&clients);
    if clients[0].memory > MEMORY {
        bail!("refkit had {} MiB", clients[0].memory >> 20);
    }
    Ok(())
}

impl Client {
    fn run(&mut self, from: &RealRegistry, to: &RealRegistry, target: &str) -> anyhow::Result<()> {
        let home = tempfile::Builder::new().prefix("refkit-copy-").tempdir()?;
        let source = format!("{}/bench/app:1", from.host());
        let stands_for = [("FROM_HOST", from.host()), ("TO_HOST", to.host()), ("FROM", &*source), ("TO", target)];
        let words = self.words.split(' ').map(|word| match word {
            "FROM" | "TO" => {
                stands_for.iter().find(|(name, _)| *name == word).map_or("", |(_, value)| value).to_owned()
            }
            other => stands_for[..2].iter().fold(other.to_owned(), |word, (name, value)| word.replace(name, value)),
        });
        let mut command = Command::new(&self.program);
        command.args(words).env_clear().env("HOME", home.path()).env("DOCKER_CONFIG", home.path());
        command.env("REGCTL_CONFIG", home.path().join("regctl.json"));
        let start = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let status = format!("/proc/{}/status", child.id());
        let ended = loop {
            if let Some(ended) = child.try_wait()? {
                break ended;
            }
            let now = std::fs::read_to_string(&status).ok().as_deref().and_then(resident);
            self.memory = self.memory.max(now.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        };
        self.times.push(start.elapsed());
        ensure!(ended.success(), "{ended}");
        Ok(())
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    }
}

/// Returns the most memory that a process had, in bytes, by its `/proc/PID/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn print(clients: &[Client]) {
    println!("\n### Copy of an image with a layer of 1 GiB between two registries, median of {ROUNDS} runs\n");
    println!("| client | time | memory | command |");
    println!("|---|---|---|---|");
    let base = clients[0].median();
    for (place, client) in clients.iter().enumerate() {
        let time = match place {
            0 => format!("{base:.2} s"),
            _ => format!("{:.2} ×", client.median() / base),
        };
        println!("| {} | {time} | {} MiB | `{} {}` |", client.name, client.memory >> 20, client.name, client.words);
    }
}

/// Returns bytes that no filesystem makes smaller, the same in every run.
fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(SIZE);
    while bytes.len() < SIZE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}
