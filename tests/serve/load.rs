//! Many clients at once, a registry that fails now and then, and settings that are read again meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use refkit_content::{Error, Resolve as _};
use refkit_oci::Reference;
use refkit_server::client::{Credentials, Remote};
use refkit_support::image::Image;
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill};
use crate::served::Place;

const CLIENTS: usize = 64;

/// How long they ask.
const TIME: Duration = Duration::from_secs(5);

/// How often the settings are read again.
const RELOAD: Duration = Duration::from_millis(200);

/// How much the server's memory may grow after the first third of the time, in bytes: 32 MiB. A leak of a kilobyte for
/// each request would be more.
const GROWTH: u64 = 32 << 20;

/// Every so many requests the registry answers 503, and every so many others it breaks the connection.
const FAULTS: [usize; 2] = [7, 31];

fn faulty(registry: &FaultRegistry) {
    let faults = [Fault::status(503), Fault::hang_up()];
    for (every, fault) in FAULTS.into_iter().zip(faults) {
        let seen = AtomicUsize::new(0);
        registry.add(Rule::when(move |_| seen.fetch_add(1, Ordering::Relaxed) % every == every - 1, fault));
    }
}

/// Asks until the time is over; returns how many answers and how many errors there were.
async fn ask(remote: Remote, image: Image, reference: Reference, until: Instant) -> (usize, Vec<Error>) {
    let (mut answers, mut errors) = (0, Vec::new());
    while Instant::now() < until {
        let pulled = remote.pull(&reference).await.map(|pulled| pulled.value.bytes);
        match pulled {
            Ok(bytes) => {
                assert_eq!(bytes, image.bytes, "a wrong byte");
                answers += 1;
            }
            Err(error) => errors.push(error),
        }
    }
    (answers, errors)
}

fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn no_wrong_byte_and_no_error_of_its_own() {
    let (place, registry) = (Place::new(), FaultRegistry::start().unwrap());
    fill(&registry, &["1.2.3"]);
    place.write("allow-list.wasm", std::fs::read(refkit_support::policy("allow-list").unwrap()).unwrap());
    let host = registry.host();
    // The two settings differ in a value of the policy, so that each reload makes a new chain.
    let settings = |allow: &str| {
        format!(
            "[server]\ngrpc = \"unix://{}\"\n[[rule]]\nmatch = \"{host}/**\"\npolicies = \"approved\"\n\
             [policy.approved]\nfile = \"allow-list.wasm\"\nset = {{ allow = \"{allow}\" }}\n",
            place.path("s").display()
        )
    };
    let both = [settings(&format!("{host}/**")), settings(&format!("{host}/demo/**"))];
    let mut served = place.serve(&both[0]);
    let address = format!("unix://{}", served.address("grpc")).parse().unwrap();
    faulty(&registry);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let image = demo_image("1.2.3");
    let reference: Reference = format!("{host}/demo/app:1.2.3").parse().unwrap();
    let started = Instant::now();
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let remote = Remote::new(&address, &Credentials::default()).unwrap();
            runtime.spawn(ask(remote, image.clone(), reference.clone(), started + TIME))
        })
        .collect();
    let (mut reloads, mut early) = (0, None);
    while started.elapsed() < TIME {
        std::thread::sleep(RELOAD);
        reloads += 1;
        place.write("refkit.toml", &both[reloads % 2]);
        served.signal("HUP");
        served.message("reloaded");
        if started.elapsed() > TIME / 3 {
            early.get_or_insert_with(|| memory(served.child.id()));
        }
    }
    let (mut answers, mut failed) = (0, 0);
    for task in tasks {
        let (more, errors) = runtime.block_on(task).unwrap();
        answers += more;
        failed += errors.len();
        for error in errors {
            assert!(error.host.as_deref() == Some(&*host) && error.kind.may_pass(), "not the registry's: {error:?}");
        }
    }
    let (early, late) = (early.unwrap(), memory(served.child.id()));
    println!(
        "{answers} answers, {failed} errors of the registry, {reloads} reloads, {early} and {late} bytes of memory"
    );
    assert!(answers > CLIENTS && reloads > 5, "{answers} {reloads}");
    assert!(late < early + GROWTH, "it grows: {early} {late}");
    served.signal("TERM");
    assert_eq!(served.ended(), Some(0));
}
