//! Other projects' tables of platforms: `platforms.json` and `platform_matching.json`.

use refkit_oci::Platform;
use refkit_oci::matching::{Matcher, OnWindows, Only, OnlyOs, OnlyStrict};
use serde::Deserialize;
use serde_json::Value;

const PLATFORMS: &str = include_str!("../../../tests/fixtures/vectors/platforms.json");
const MATCHING: &str = include_str!("../../../tests/fixtures/vectors/platform_matching.json");

/// Functions in these tables that have no counterpart, with the number of their rows: they read the processor of the
/// machine, which this crate never does.
const NO_COUNTERPART: (&str, usize) = ("getCPUVariantFromArch", 10);

/// Rows that containerd itself skips, because wildcards exist only in its documentation; both refuse them.
const WILDCARDS: [&str; 3] = ["*", "linux/*", "*/arm64"];

fn rows(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("the vectors are JSON");
    file["tests"].as_array().expect("the vectors have rows").clone()
}

/// Reads the platform of a row, which is an object or a text.
fn platform(value: &Value) -> Platform {
    #[derive(Deserialize)]
    struct Members {
        os: String,
        architecture: String,
        variant: Option<String>,
        #[serde(rename = "os.version")]
        os_version: Option<String>,
        #[serde(rename = "os.features", default)]
        os_features: Vec<String>,
    }
    if let Some(text) = value.as_str() {
        return Platform::parse(text).unwrap_or_else(|error| panic!("{error}"));
    }
    let Members { os, architecture, variant, os_version, os_features } =
        Members::deserialize(value).expect("a platform");
    Platform { os, architecture, variant, os_version, os_features }
}

/// `Parse` distinguishes `linux/arm` and `linux/arm64/v8` from `linux/arm/v7` and `linux/arm64`, which its matcher
/// equates; ours equates them at once. So the test compares the normal spelling.
#[test]
fn platforms() {
    let mut left_out = 0;
    let mut checked = 0;
    for row in rows(PLATFORMS) {
        let function = row["fn"].as_str().expect("a function");
        let input = &row["input"];
        checked += 1;
        if function == NO_COUNTERPART.0 {
            left_out += 1;
        } else if row["skipped_upstream"] == true {
            assert!(WILDCARDS.contains(&input.as_str().expect("text")), "{row}");
            Platform::parse(input.as_str().expect("text")).expect_err("a wildcard");
        } else if row["expect_err"] == true {
            Platform::parse(input.as_str().expect("text")).expect_err(&row.to_string());
        } else if function == "Parse" {
            let parsed = platform(input);
            assert_eq!(parsed, platform(&row["expect"]).normalized(), "{row}");
            assert_eq!(parsed, platform(&row["formatted"]), "{row}");
            let plain = row["formatted"].as_str().expect("text");
            assert!(plain == parsed.to_string() || ["linux/arm", "linux/arm64/v8"].contains(&plain), "{row}: {parsed}");
            for other in row["newmatcher_must_match"].as_array().expect("a list") {
                assert!(OnlyStrict::new(parsed.clone()).matches(&platform(other)), "{row}: {other}");
            }
        } else {
            assert!(function.starts_with("FormatAll"), "{row}");
            let given = platform(input);
            assert_eq!(given.to_string(), row["expect"].as_str().expect("text"), "{row}");
            assert_eq!(Platform::parse(&given.to_string()), Ok(given.normalized()), "{row}");
        }
    }
    assert_eq!((checked, left_out), (55, NO_COUNTERPART.1));
}

/// For one platform, containerd's `Ordered`, `Any` and `NewMatcher` equal `OnlyStrict`.
fn matcher(name: &str, wanted: Platform) -> Box<dyn Matcher> {
    match name {
        "Only" => Box::new(Only::new(wanted)),
        "OnlyStrict" | "NewMatcher" | "Ordered" | "Any" => Box::new(OnlyStrict::new(wanted)),
        "OnlyOS" => Box::new(OnlyOs::new(wanted)),
        name if name.starts_with("windowsMatchComparer{NewMatcher}") => Box::new(OnWindows::new(wanted)),
        name => panic!("there is no matcher {name}"),
    }
}

/// A stable insertion sort, so that only the matcher's order decides, whether it is consistent or not.
fn sorted(matcher: &dyn Matcher, mut platforms: Vec<Platform>) -> Vec<Platform> {
    for end in 1..platforms.len() {
        let mut place = end;
        while place > 0 && matcher.less(&platforms[place], &platforms[place - 1]) {
            platforms.swap(place, place - 1);
            place -= 1;
        }
    }
    platforms
}

#[test]
fn matching() {
    let mut checked = 0;
    for row in rows(MATCHING) {
        let names: Vec<&str> = match &row["matcher"] {
            Value::String(name) => vec![name],
            names => names.as_array().expect("names").iter().map(|name| name.as_str().expect("a name")).collect(),
        };
        for name in names {
            let list = || row["candidates"].as_array().expect("candidates").iter().map(platform).collect::<Vec<_>>();
            if name.starts_with("checkWindows") {
                let build =
                    |member: &str| Platform::parse(&format!("windows(10.0.{})/amd64", row[member])).expect("a build");
                let matches = OnlyStrict::new(build("host_build")).matches(&build("candidate_build"));
                assert_eq!(Value::Bool(matches), row["expect_match"], "{row}");
            } else if row["expect_match"].is_boolean() {
                let matches = matcher(name, platform(&row["platform"])).matches(&platform(&row["candidate"]));
                assert_eq!(Value::Bool(matches), row["expect_match"], "{name}: {row}");
            } else if row["expect_sorted"].is_array() {
                let wanted: Vec<_> = row["expect_sorted"].as_array().expect("a list").iter().map(platform).collect();
                assert_eq!(sorted(&*matcher(name, platform(&row["platform"])), list()), wanted, "{name}: {row}");
            } else {
                let matcher = matcher(name, platform(&row["platform"]));
                let best = sorted(&*matcher, list()).into_iter().next();
                assert_eq!(best, Some(platform(&row["expect_best"])), "{name}: {row}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 332 + 6 * 3);
}

#[test]
fn orders() {
    let rows = [
        ("linux/arm64", "linux/arm64,linux/arm/v8,linux/arm/v7,linux/arm/v6,linux/arm/v5"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2,linux/arm64/v8.1,linux/arm64,linux/arm/v8,linux/arm/v7"),
        ("linux/arm64/v9.1", "linux/arm64/v9.1,linux/arm64/v9,linux/arm64/v8.6,linux/arm64/v8.1,linux/arm64,linux/arm"),
        ("linux/amd64/v3", "linux/amd64/v3,linux/amd64/v2,linux/amd64,linux/386"),
        ("linux/amd64/v4294967295", "linux/amd64/v4294967295,linux/amd64,linux/386"),
        ("linux/arm", "linux/arm/v7,linux/arm/v6,linux/arm/v5"),
        ("linux(+gpu+simd)", "linux(+gpu+simd)/amd64,linux(+gpu)/amd64,linux/amd64"),
        ("windows(10.0.26100)", "windows(10.0.26100.1)/amd64,windows(10.0.20348.9)/amd64"),
        ("windows(10.0.26200)", "windows(10.0.26200)/amd64,windows(10.0.22621)/amd64,windows(10.0.20348)/amd64"),
    ];
    for (wanted, order) in rows {
        let matcher = Only::new(Platform::parse(wanted).expect(wanted));
        let order: Vec<Platform> = order.split(',').map(|text| Platform::parse(text).expect(text)).collect();
        assert!(order.iter().all(|platform| matcher.matches(platform)), "{wanted}: {order:?}");
        if !wanted.starts_with("windows") {
            let backwards = order.iter().rev().cloned().collect();
            assert_eq!(sorted(&matcher, backwards), order, "{wanted}");
        }
    }
    let rows = [
        ("linux/arm64/v10", "linux/arm64/v10"),
        ("linux/arm64/v9.7", "linux/arm64/v9.8"),
        ("linux/arm/v4", "linux/arm/v3"),
        ("linux/amd64", "linux/amd64/v2"),
        ("linux/amd64/v3", "linux/amd64/v02"),
        ("linux/386", "linux/amd64"),
        ("windows(10.0.17763)", "windows(10.0.17764)/amd64"),
        ("windows(10.0.26100)", "windows(10.0.17763)/amd64"),
        ("windows(10.0.20348)", "windows(%2B10.0.20348)/amd64"),
        ("windows(10.0.20348)", "windows(10.0.%2B20348)/amd64"),
        ("linux", "linux(+gpu)/amd64"),
    ];
    for (wanted, other) in rows {
        let [wanted, other] = [wanted, other].map(|text| Platform::parse(text).expect(text));
        assert!(!Only::new(wanted.clone()).matches(&other), "{wanted} matches {other}");
    }
}

/// Older matchers did not know `win32k`, so containerd removes it once before it compares.
#[test]
fn features_of_windows() {
    let matcher = Only::new(Platform::parse("windows/amd64").expect("a platform"));
    let with = |features: &[&str]| Platform {
        os: "windows".into(),
        architecture: "AMD64".into(),
        os_features: features.iter().map(|&feature| feature.into()).collect(),
        ..Platform::default()
    };
    for (features, matches) in [
        (&[][..], true),
        (&["win32k"], true),
        (&["win32k", "win32k"], false),
        (&["gpu", "win32k"], false),
        (&[""], false),
    ] {
        assert_eq!(matcher.matches(&with(features)), matches, "{features:?}");
    }
}

#[test]
fn nothing_suits_half_a_platform() {
    let of = |os: &str, architecture: &str| Platform {
        os: os.into(),
        architecture: architecture.into(),
        ..Platform::default()
    };
    for wanted in [of("", "amd64"), of("linux", ""), of("", "")] {
        for offered in [of("", "amd64"), of("linux", ""), of("", ""), of("linux", "amd64")] {
            assert!(!Only::new(wanted.clone()).matches(&offered), "{wanted:?} matches {offered:?}");
            assert!(!OnlyStrict::new(wanted.clone()).matches(&offered), "{wanted:?} matches {offered:?}");
            assert!(!OnlyOs::new(wanted.clone()).matches(&offered), "{wanted:?} matches {offered:?}");
        }
    }
}

#[test]
fn texts_that_are_no_platforms() {
    for text in [
        "linux(/amd64",
        "linux(a/amd64",
        "linux(+)/amd64",
        "linux(%2)",
        "linux(%zz)",
        "linux(%ff)",
        "a(1)",
        "linux(1)x/amd64",
        "ſ",
        "linux/arm\n",
        "nonsense",
        "a/b/c/d",
        "linux//v7",
        "lin.ux/arm",
    ] {
        let error = Platform::parse(text).expect_err(text);
        assert!(error.to_string().contains("is not a platform such as linux/arm64"), "{error}");
    }
}
