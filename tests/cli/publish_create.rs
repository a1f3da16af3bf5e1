//! `refkit create`: sources and destinations of the command line, and what is written where.

use std::fs;
use std::path::Path;

use refkit_support::FaultRegistry;
use refkit_support::image::Image;

use crate::places::{demo_image, fill, layout, put};
use crate::run::{DEMO, Refkit, policy, refkit};

/// Returns the digest in the command's only line.
fn digest(line: &str) -> &str {
    line.rsplit_once('@').expect("the line is pinned").1
}

#[test]
fn sources_of_several_registries_go_to_several() {
    let registries = [(); 3].map(|()| FaultRegistry::start().unwrap());
    put(&registries[0], "demo/one", Some("1"), &demo_image("single"));
    put(&registries[1], "demo/two", Some("1"), &demo_image("1.0.0"));
    let [one, two, three] = registries.each_ref().map(FaultRegistry::host);
    let (first, second) = (format!("{one}/demo/one:1"), format!("{two}/demo/two:1"));
    let destinations = [format!("{three}/out/app:1"), format!("{three}/out/app:latest"), format!("{one}/demo/new:1")];
    let mut command = vec!["create", &first, &second, "--no-cache", "--annotation", "a=b"];
    command.extend(destinations.iter().flat_map(|destination| ["-t", destination]));
    let ran = refkit(command);
    let lines: Vec<&str> = ran.line().lines().collect();
    let pinned: Vec<String> = destinations.iter().map(|one| format!("{one}@{}", digest(lines[0]))).collect();
    assert_eq!(lines, pinned);
    let [read, ..] = [0, 1, 2].map(|place| refkit(["inspect", &destinations[place], "--raw"]).stdout);
    let text = String::from_utf8(read).unwrap();
    assert!(text.contains("\"a\": \"b\"") && text.contains(demo_image("single").digest().as_str()), "{text}");
    for destination in &destinations {
        assert_eq!(refkit(["inspect", destination, "--raw"]).text(), text);
    }
    // The index is pushed once for each tag, after all that it names.
    let requests = registries[2].requests();
    let puts: Vec<&str> = requests.iter().filter(|one| one.method == "PUT").map(|one| one.target.as_str()).collect();
    let [.., before, first, second] = puts[..] else { panic!("{puts:?}") };
    assert!(before.contains("/manifests/sha256:"), "{puts:?}");
    assert_eq!([first, second], ["/v2/out/app/manifests/1", "/v2/out/app/manifests/latest"]);
}

#[test]
fn a_source_is_a_digest_a_descriptor_or_a_file() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let image = demo_image("single");
    let app = format!("{}/demo/app", registry.host());
    let (size, media_type) = (image.bytes.len(), &image.descriptor.media_type);
    let described =
        |more: &str| format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{size}{more}}}"#, image.digest());
    let annotated = described(r#","annotations":{"tier":"one"}"#);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let plain = [
        vec![format!("{app}:single")],
        vec![image.digest().to_string()],
        vec![described("")],
        vec!["-f".to_owned(), file("reference", &format!("{app}:single\n"))],
        vec!["-f".to_owned(), file("digest", image.digest().as_str())],
        vec!["-f".to_owned(), file("descriptor", &described(""))],
    ];
    let target = format!("{app}:new");
    let create = |source: &[String]| {
        let source = source.iter().map(String::as_str);
        let ran = refkit(["create", "-t", &target].into_iter().chain(source));
        digest(ran.line()).to_owned()
    };
    let wanted = create(&plain[0]);
    for source in &plain {
        assert_eq!(create(source), wanted, "{source:?}");
    }
    assert_ne!(create(&[annotated]), wanted);
    assert!(refkit(["inspect", &target, "--raw"]).text().contains("\"tier\": \"one\""));
}

#[test]
fn append_begins_with_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let target = format!("oci-layout:{}:all", directory.path().join("app").display());
    let demo = |tag: &str| format!("{DEMO}:{tag}");
    refkit(["create", "-t", &target, &demo("single")]).line();
    refkit(["create", "-t", &target, "--append", &demo("1.0.0")]).line();
    let both = refkit(["inspect", &target, "--raw"]);
    let at_once = refkit(["create", "--dry-run", "-t", &target, &demo("single"), &demo("1.0.0")]);
    assert_eq!(both.text(), at_once.text());
}

#[test]
fn a_dry_run_prints_the_bytes_and_writes_nothing() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let source = format!("{}/demo/app:1.2.3", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let (new, file) = (directory.path().join("new").display().to_string(), directory.path().join("file"));
    let file = file.display().to_string();
    let rows: [&[&str]; 3] = [&[], &["-t", &source], &["-t", &new, "--metadata-file", &file]];
    for more in rows {
        let ran = refkit(["create", &source, "--dry-run"].into_iter().chain(more.iter().copied()));
        assert_eq!((ran.code, &ran.stdout), (0, &demo_image("1.2.3").bytes.to_vec()), "{}", ran.all());
    }
    assert_eq!(registry.count("PUT *") + registry.count("POST *"), 0);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn metadata_is_what_buildx_writes() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let app = format!("{}/demo/app", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let (path, layout) = (directory.path().join("metadata.json"), directory.path().join("out").display().to_string());
    let file = path.display().to_string();
    let (source, new) = (format!("{app}:1.2.3"), format!("{app}:new"));
    refkit(["create", &source, "-t", &new, "-t", &source, "-t", &layout, "--metadata-file", &file]).line();
    let read: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let image = demo_image("1.2.3");
    let root = &read["containerimage.descriptor"];
    assert_eq!(root["digest"], image.digest().as_str());
    assert_eq!(
        (&root["size"], root["mediaType"].as_str()),
        (&image.bytes.len().into(), Some(&*image.descriptor.media_type))
    );
    assert_eq!(read["image.name"], format!("{app},oci-layout:{layout}"));
}

#[test]
fn a_metadata_file_is_opened_before_anything_is_pushed_and_replaces_regular_files_alone() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let app = format!("{}/demo/app", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (source, new) = (format!("{app}:1.2.3"), format!("{app}:new"));
    let create = |file: &Path| refkit(["create", &source, "-t", &new, "--metadata-file", &file.display().to_string()]);
    for wrong in [directory.path().to_owned(), path("none/metadata.json")] {
        let ran = create(&wrong);
        assert!(ran.code == 1 && ran.stderr.contains("cannot write"), "{}", ran.all());
    }
    assert_eq!(registry.count("PUT *"), 0);
    fs::write(path("file"), "").unwrap();
    std::os::unix::fs::symlink("file", path("link")).unwrap();
    create(&path("link")).line();
    assert!(path("link").is_symlink());
    assert!(fs::read_to_string(path("file")).unwrap().contains("containerimage.descriptor"));
    create(Path::new("/dev/null")).line();
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn layouts_of_one_name_stay_apart() {
    let directories = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let paths = directories.each_ref().map(|directory| directory.path().join("app"));
    let [one, two, three] = paths.each_ref().map(|path| path.display().to_string());
    refkit(["create", &format!("{DEMO}:single"), "--prefer-index=false", "-t", &one]).line();
    refkit(["create", &format!("{DEMO}:1.0.0"), "--prefer-index=false", "-t", &format!("{two}:1")]).line();
    // One path in two spellings is one layout.
    let above = directories[2].path();
    let again = format!("{}/../{}/app", above.display(), above.file_name().unwrap().display());
    let ran = refkit(["create", &one, &two, "-t", &format!("{three}:1"), "-t", &format!("{again}:2")]);
    let shown: Vec<&str> = ran.line().lines().map(|line| line.split_once('@').unwrap().0).collect();
    assert_eq!(shown, [format!("oci-layout:{three}:1"), format!("oci-layout:{three}:2")]);
    let text = refkit(["inspect", &format!("{three}:2"), "--raw"]);
    let children = demo_image("1.0.0");
    for image in children.children().iter().chain([&demo_image("single")]) {
        assert!(text.text().contains(image.digest().as_str()), "{}", text.text());
    }
}

#[test]
fn what_fails_writes_nothing() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (new, file, tar) = (path("new"), path("file"), path("file.tar"));
    let digest = format!("sha256:{}", "a".repeat(64));
    let pinned = format!("{}/demo/app:1@{digest}", registry.host());
    let none = format!("{}/demo/app:none", registry.host());
    let given = tempfile::tempdir().unwrap();
    let given = |name: &str, text: &[u8]| {
        let path = given.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (empty, index) = (given("empty", b" \n"), given("index.json", &demo_image("1.2.3").bytes));
    let (manifest, long) =
        (given("manifest.json", &demo_image("single").bytes), format!("{{\"x\":\"{}\"}}", "y".repeat(400)));
    let absent = format!("{}/demo/absent:1", registry.host());
    // the arguments, the exit code, a part of the message
    let rows: [(&[&str], i32, &str); 21] = [
        (&[&source], 2, "there is no destination"),
        (&["-t", &new], 2, "there is no source"),
        (&["-t", &new, "Not/A:Reference"], 2, "error: "),
        (&["-t", "Not/A:Reference", &source], 2, "error: "),
        (&["-t", &pinned, &source], 2, "has a digest"),
        (&["-t", &tar, &none], 1, "not found"),
        (&["-t", &new, &source, &digest], 2, "may be in any of"),
        (&["-t", &new, &source, "{}"], 2, "missing field `digest`"),
        (&["-t", &new, &source, "{\"digest\":\"sha256:x\"}"], 2, "in the descriptor"),
        (&["-t", &new, "-f", &file], 1, "cannot read the source"),
        (&["-t", &new, "-f", &empty], 2, "empty is empty"),
        (&["-t", &new, "-f", &index], 2, "index.json is an index, not its descriptor"),
        (&["-t", &new, "-f", &manifest], 2, "manifest.json is a manifest, not its descriptor"),
        (&["-t", &new, &source, &long], 2, "yyyy…"),
        (&["-t", &absent, &source, "--append"], 1, "to write the first one, leave out --append"),
        (&["-t", &new, &source, "--annotation", "a"], 2, "has no value"),
        (&["-t", &new, &source, "--annotation", "index-descriptor:a=b"], 2, "no other index lists the new one"),
        (&["-t", &new, &source, "--append"], 1, "not found"),
        (&["-t", &new, &none], 1, "not found"),
        (
            &["-t", &new, &source, "--platform", "linux/s390x"],
            1,
            "no image is for a wanted platform; the sources have linux/amd64",
        ),
        (&["-t", &new, &source, "--publish-set", "oci=yes"], 2, "is true or false"),
    ];
    for (arguments, code, part) in rows {
        let ran = refkit(["create"].into_iter().chain(arguments.iter().copied()));
        assert!(ran.code == code && ran.text().is_empty(), "{arguments:?}: {}", ran.all());
        assert!(ran.stderr.contains(part), "{arguments:?}: {}", ran.all());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{arguments:?}");
    }
    assert_eq!(registry.count("PUT *") + registry.count("POST *"), 0);
}

#[test]
fn policies_decide_about_each_source() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let image: Image = demo_image("1.0.0");
    let directory = layout(&image);
    let other = directory.path().display().to_string();
    let target = format!("{}/demo/new:1", registry.host());
    let allow_list = policy("allow-list");
    let command = |allow: &str| {
        let allow = format!("allow={allow}");
        Refkit::new(["create", &source, &other, "-t", &target, "--policy", &allow_list, "--set", &allow]).run()
    };
    let ran = command(&format!("{}/**", registry.host()));
    assert_eq!((ran.code, ran.text()), (3, ""), "{}", ran.all());
    assert_eq!(registry.count("PUT *") + registry.count("POST *"), 0);
    assert_eq!(command("**").code, 0);
}
