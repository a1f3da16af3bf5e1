//! Locks of Dockerfiles, and the source policies of BuildKit.

use std::fs;

use refkit_support::filters;

use crate::lock::Place;
use crate::places::{demo_image, put};

/// Six images: by variables, on another platform, by digest, of two stages, and a frontend.
const DOCKERFILE: &str = r#"# syntax=HOST/frontend:1
ARG HOST VERSION=none
FROM --platform=$BUILDPLATFORM ${HOST}/build:${VERSION%-*} AS build
COPY --from=HOST/tools:1 / /
RUN --mount=type=bind,from=HOST/mounted,target=/x <<EOF
FROM not/an/image
EOF

FROM ${HOST}/base:1 AS one
FROM one
COPY --from=build / /
FROM ${HOST}/base:1
FROM scratch
COPY --from=HOST/last@DIGEST / /
"#;

fn place() -> Place {
    let place = Place::new();
    let names = ["frontend:1", "build:2", "tools:1", "mounted:latest", "base:1", "last:1"];
    let mut digest = None;
    for name in names {
        let (repository, tag) = name.split_once(':').unwrap();
        digest = Some(put(&place.registry, repository, Some(tag), &demo_image("1.2.3")));
    }
    let text = DOCKERFILE.replace("HOST/", &format!("{}/", place.registry.host()));
    fs::write(place.path("Dockerfile"), text.replace("DIGEST", &digest.unwrap().to_string())).unwrap();
    place
}

fn arguments(place: &Place) -> [String; 4] {
    let host = format!("HOST={}", place.registry.host());
    ["--build-arg".to_owned(), host, "--build-arg".to_owned(), "VERSION=2-x".to_owned()]
}

#[test]
fn a_source_policy_pins_the_images_of_a_dockerfile() {
    let place = place();
    let build_args = arguments(&place);
    let build_args = build_args.each_ref().map(String::as_str);
    let ran = place.run(&[&["./Dockerfile", "--format", "buildkit"][..], &build_args].concat());
    insta::assert_snapshot!(filters::usual(&ran.all()), @r#"
    exit 0
    --- stdout
    {
      "version": 1,
      "rules": [
        {
          "action": "DENY",
          "selector": {
            "identifier": "docker-image*",
            "match_type": "WILDCARD"
          }
        },
        {
          "action": "DENY",
          "selector": {
            "identifier": "oci-layout*",
            "match_type": "WILDCARD"
          }
        },
        {
          "action": "CONVERT",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/base:1",
            "match_type": "EXACT"
          },
          "updates": {
            "identifier": "docker-image://127.0.0.1:[PORT]/base:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/base:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        },
        {
          "action": "CONVERT",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/build:2",
            "match_type": "EXACT"
          },
          "updates": {
            "identifier": "docker-image://127.0.0.1:[PORT]/build:2@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/build:2@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        },
        {
          "action": "CONVERT",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/frontend:1",
            "match_type": "EXACT"
          },
          "updates": {
            "identifier": "docker-image://127.0.0.1:[PORT]/frontend:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/frontend:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/last@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        },
        {
          "action": "CONVERT",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/mounted:latest",
            "match_type": "EXACT"
          },
          "updates": {
            "identifier": "docker-image://127.0.0.1:[PORT]/mounted:latest@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/mounted:latest@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        },
        {
          "action": "CONVERT",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/tools:1",
            "match_type": "EXACT"
          },
          "updates": {
            "identifier": "docker-image://127.0.0.1:[PORT]/tools:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d"
          }
        },
        {
          "action": "ALLOW",
          "selector": {
            "identifier": "docker-image://127.0.0.1:[PORT]/tools:1@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "match_type": "EXACT"
          }
        }
      ]
    }
    --- stderr
    "#);
    // The lock has all of it: the same policy needs no registry.
    place.registry.clear();
    let again = place.run(&["--format", "buildkit"]);
    assert_eq!((again.code, &again.stdout), (0, &ran.stdout), "{}", again.all());
    let others = place.run(&["--format", "buildkit", "--allow-others"]).json();
    let actions = others["rules"].as_array().unwrap().iter().map(|rule| rule["action"].as_str().unwrap());
    assert!(actions.clone().count() > 6 && actions.clone().all(|action| action != "DENY"), "{others}");
    assert_eq!(place.registry.count("*"), 0);
    // Verifying compares the lock with the Dockerfile as well.
    let verify = |more: &[&str]| place.run(&[&["--verify", "."][..], &build_args, more].concat());
    assert_eq!(verify(&[]).code, 0);
    let ran = verify(&["--build-arg", "VERSION=3"]);
    let text = filters::usual(ran.text());
    let wanted = "moved: 127.0.0.1:[PORT]/build:3 (linux/amd64) is not in the lock\n";
    assert!(ran.code == 1 && text == wanted, "{}", ran.all());
}

#[test]
fn a_target_needs_its_own_images_alone() {
    let place = place();
    let build_args = arguments(&place);
    let build_args = build_args.each_ref().map(String::as_str);
    let ran = place.run(&[&["./Dockerfile", "--target", "one"][..], &build_args].concat());
    let names: Vec<String> = ran.text().lines().map(|line| filters::usual(line.split_once('@').unwrap().0)).collect();
    assert_eq!(names, ["127.0.0.1:[PORT]/base:1", "127.0.0.1:[PORT]/frontend:1"], "{}", ran.all());
}

#[test]
fn an_error_of_a_dockerfile_has_its_line() {
    let place = Place::new();
    // the Dockerfile, the error
    let rows = [
        ("FROM a\n\nFORM b\n", "Dockerfile, line 3: FORM is no instruction of the Dockerfile reference"),
        ("FROM a\nCOPY --from=$X / /", "Dockerfile, line 2: $X has a variable"),
        ("", "Dockerfile, line 1: the file has no FROM"),
        ("FROM \u{1b}[2J", "Dockerfile, line 1: "),
        ("FROM a AS b", "Dockerfile, line 1: there is no stage none; there are b"),
    ];
    for (text, wanted) in rows {
        fs::write(place.path("Dockerfile"), text).unwrap();
        let ran = place.run(&["Dockerfile", "--target", "none"]);
        let line = format!("error: {wanted}");
        assert!(ran.code == 1 && ran.stderr.starts_with(&line) && !ran.stderr.contains('\u{1b}'), "{}", ran.all());
    }
    let ran = place.run(&["./none"]);
    assert!(ran.code == 1 && ran.stderr.starts_with("error: cannot read ./none: No such file"), "{}", ran.all());
}
