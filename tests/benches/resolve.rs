//! The cost of the sandbox: the default policy resolves one platform of an index of eight, from memory.
//!
//! Every round takes each measurement once, so that a slow phase of the machine affects all of them. The bench prints
//! the median of the rounds, as a time and as a multiple of the same policy compiled natively.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use refkit_contract::{Content, Decision, Failure, Level, Request};
use refkit_default::Default as DefaultPolicy;
use refkit_oci::{Algorithm, Descriptor, Digest, Platform, Reference, Repository};
use refkit_policy as guest;
use refkit_policy::Policy as _;
use refkit_sandbox::{Host, Limits, Policy};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_tests::components;
use refkit_tests::stage::ENGINE;

const ROUNDS: usize = 60;
const ITERATIONS: u32 = 200;

const PLATFORMS: [&str; 8] = [
    "linux/amd64",
    "linux/386",
    "linux/arm/v5",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64/v8",
    "linux/s390x",
    "windows(10.0.20348.2582)/amd64",
];

/// A source that returns one index for every request.
#[derive(Clone)]
struct Memory {
    descriptor: Descriptor,
    bytes: Bytes,
}

#[async_trait]
impl Host for Memory {
    async fn resolve(&self, _: &Reference) -> Result<Descriptor, Failure> {
        Ok(self.descriptor.clone())
    }

    async fn pull(&self, _: &Reference) -> Result<Content, Failure> {
        Ok(Content { descriptor: self.descriptor.clone(), bytes: self.bytes.clone() })
    }

    async fn fetch(&self, _: &Repository, _: &Digest) -> Result<Bytes, Failure> {
        unreachable!("the index is all that one platform's manifest needs")
    }

    async fn fetch_range(&self, _: &Repository, _: &Digest, _: u64, _: u32) -> Result<Bytes, Failure> {
        unreachable!("as above")
    }

    async fn referrers(&self, _: &Repository, _: &Digest, _: Option<&str>) -> Result<Arc<Vec<Descriptor>>, Failure> {
        unreachable!("as above")
    }

    async fn tags(&self, _: &Repository) -> Result<Arc<Vec<String>>, Failure> {
        unreachable!("as above")
    }

    async fn next(&self, _: Request) -> Result<Decision<Descriptor>, Failure> {
        unreachable!("the default policy is the last")
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn now(&self) -> u64 {
        0
    }

    fn event(&self, _: Level, _: String, _: Vec<(String, String)>) {}
}

impl guest::Host for Memory {
    fn resolve(&self, _: &guest::Reference) -> Result<guest::Descriptor, guest::Error> {
        Ok(self.descriptor.clone().into())
    }

    fn pull(&self, _: &guest::Reference) -> Result<guest::Content, guest::Error> {
        Ok(guest::Content { descriptor: self.descriptor.clone().into(), bytes: self.bytes.to_vec() })
    }

    fn fetch(&self, _: &guest::Reference, _: &str) -> Result<Vec<u8>, guest::Error> {
        unreachable!("as above")
    }

    fn fetch_range(&self, _: &guest::Reference, _: &str, _: u64, _: u32) -> Result<Vec<u8>, guest::Error> {
        unreachable!("as above")
    }

    fn referrers(
        &self,
        _: &guest::Reference,
        _: &str,
        _: Option<&str>,
    ) -> Result<Vec<guest::Descriptor>, guest::Error> {
        unreachable!("as above")
    }

    fn tags(&self, _: &guest::Reference) -> Result<Vec<String>, guest::Error> {
        unreachable!("as above")
    }

    fn next(&self, _: &guest::Request) -> Result<guest::Outcome, guest::Error> {
        unreachable!("as above")
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn now(&self) -> u64 {
        0
    }

    fn event(&self, _: guest::Level, _: &str, _: &[(String, String)]) {}
}

fn index() -> Image {
    let images = PLATFORMS.iter().map(|text| {
        let (text, version) = match text.split_once('(') {
            None => ((*text).to_owned(), None),
            Some((os, rest)) => {
                let (version, rest) = rest.split_once(')').expect("it is closed");
                (format!("{os}{rest}"), Some(version))
            }
        };
        let builder = ImageBuilder::new(&text);
        version.into_iter().fold(builder, ImageBuilder::os_version).build()
    });
    images.fold(IndexBuilder::new(), IndexBuilder::add).build()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let index = index();
    let memory = Memory { descriptor: index.descriptor.clone(), bytes: index.bytes.clone() };
    let reference = Reference::parse("registry.test/app:latest").expect("a reference");
    let wanted = Platform::parse("linux/arm64").expect("a platform");
    let request = Request::new(reference.clone()).platform(wanted.clone());
    let native = guest::Request {
        reference: reference.into(),
        selection: guest::Selection::Platforms(vec![wanted.into()]),
        parts: guest::Parts::IMAGES,
    };
    let policy = Policy::load(&ENGINE, components::DEFAULT).await.expect("the default policy loads");
    let host: Arc<dyn Host> = Arc::new(memory.clone());
    let digest = refkit_content::verify::digest(Algorithm::Sha256, &index.bytes);
    assert_eq!(digest, index.descriptor.digest);

    const NAMES: [&str; 4] =
        ["resolve, natively", "resolve, reused instance", "instantiate", "resolve, fresh instance"];
    let mut times: [Vec<Duration>; 4] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    let mut reused = policy.instance(Arc::clone(&host), Limits { cpu: Duration::from_secs(3600), ..patient() }).await;
    for _ in 0..ROUNDS {
        times[0].push(each(|| {
            let outcome = DefaultPolicy::resolve(&memory, native.clone());
            assert!(black_box(outcome).is_ok());
        }));
        let Ok(instance) = &mut reused else { panic!("there is no instance") };
        let start = Instant::now();
        for _ in 0..ITERATIONS {
            assert!(black_box(instance.resolve(&request).await).is_ok());
        }
        times[1].push(start.elapsed() / ITERATIONS);
        let start = Instant::now();
        for _ in 0..ITERATIONS {
            assert!(black_box(policy.instance(Arc::clone(&host), Limits::default()).await).is_ok());
        }
        times[2].push(start.elapsed() / ITERATIONS);
        let start = Instant::now();
        for _ in 0..ITERATIONS {
            let (claim, _) = policy.run(Arc::clone(&host), Limits::default(), &request).await;
            assert!(black_box(claim).is_ok());
        }
        times[3].push(start.elapsed() / ITERATIONS);
    }
    let medians = times.map(median);
    println!(
        "one platform of an index of {} ({} bytes), medians of {ROUNDS} rounds",
        PLATFORMS.len(),
        index.bytes.len()
    );
    for (name, time) in NAMES.iter().zip(medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("{name:<26} {:>8.1} µs {ratio:>6.1} × native", time.as_secs_f64() * 1e6);
    }
}

/// Returns limits that do not stop an instance of many thousand calls.
fn patient() -> Limits {
    let day = Duration::from_secs(24 * 3600);
    Limits { wall: day, host_calls: u64::MAX, transfer: u64::from(u32::MAX), ..Limits::default() }
}

fn each(mut what: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..ITERATIONS {
        what();
    }
    start.elapsed() / ITERATIONS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
