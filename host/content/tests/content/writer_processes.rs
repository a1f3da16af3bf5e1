//! Several processes write into one layout, and some of them are killed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use refkit_content::{Discover as _, Layout, LayoutWriter, MANIFEST_LIMIT, Resolve as _, fetch};
use refkit_support::image::{Image, ImageBuilder};

use crate::support::{Files, index, pinned, tagged};

/// The variable that makes this binary a writer: the layout, a name and a number of images.
const WRITER: &str = "REFKIT_CONTENT_TEST_WRITER";

fn subject() -> Image {
    ImageBuilder::new("linux/amd64").label("is", "the subject").build()
}

/// Returns a writer's image: a referrer of the subject, under a tag of its own.
fn image(tag: &str) -> Image {
    ImageBuilder::artifact("application/x.kind", &subject()).layer("a/b", tag.repeat(10_000)).build()
}

/// Writes images, and prints its progress.
async fn write(arguments: &str) {
    let [path, name, count] = &arguments.split('\n').collect::<Vec<_>>()[..] else { panic!("{arguments}") };
    let writer = LayoutWriter::open(path).await.expect("a layout");
    println!("open=");
    for number in 0..count.parse().expect("a number") {
        let tag = format!("{name}-{number}");
        image(&tag).push(&writer, &tagged(writer.repository(), &tag)).await.expect("a push");
        println!("pushed={tag}");
    }
}

fn start(path: &Path, name: &str, count: usize) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "writer_processes::concurrent_processes_keep_each_others_entries", "--nocapture"])
        .env(WRITER, format!("{}\n{name}\n{count}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process")
}

/// Returns the listed tags, after it has read and verified all content of each.
async fn tags(path: &Path) -> BTreeSet<String> {
    let layout = Layout::open(path).await.expect("a layout");
    for name in layout.names() {
        layout.pull(&tagged(layout.repository(), name)).await.expect("a manifest");
        for (descriptor, _) in image(name).blobs() {
            fetch(&layout, layout.repository(), descriptor, MANIFEST_LIMIT).await.expect("a blob");
        }
    }
    let names = layout.names().into_iter().map(str::to_owned).collect();
    let referrers = layout.referrers(layout.repository(), subject().digest(), None).await.expect("referrers").value;
    let found: BTreeSet<_> = referrers.into_iter().map(|of| of.digest).collect();
    let wanted: BTreeSet<_> = layout.names().into_iter().map(|name| image(name).digest().clone()).collect();
    assert!(found.is_superset(&wanted), "each is a referrer");
    names
}

fn unfinished(path: &Path) -> usize {
    let names = fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".refkit-")).count()
}

#[tokio::test]
async fn concurrent_processes_keep_each_others_entries() {
    if let Some(arguments) = std::env::var_os(WRITER) {
        return write(arguments.to_str().expect("text")).await;
    }
    let files = Files::empty();
    // The layout does not exist, so all of them create it.
    let writers: Vec<Child> = (0..4).map(|n| start(&files.path(), &format!("w{n}"), 12)).collect();
    for mut writer in writers {
        let output = std::io::read_to_string(writer.stdout.take().expect("a pipe")).expect("text");
        assert!(writer.wait().expect("an end").success(), "{output}");
    }
    let wanted: BTreeSet<_> = (0..4).flat_map(|w| (0..12).map(move |n| format!("w{w}-{n}"))).collect();
    assert_eq!(tags(&files.path()).await, wanted);
    assert_eq!(unfinished(&files.path()), 0);
    // The list for other tools has all entries as well.
    let layout = Layout::open(files.path()).await.expect("a layout");
    let list = tagged(layout.repository(), &format!("sha256-{}", subject().digest().hex()));
    let list = layout.pull(&list).await.expect("a list").value;
    let text = String::from_utf8(list.bytes.to_vec()).expect("text");
    for tag in wanted {
        assert!(text.contains(image(&tag).digest().as_str()), "{tag}");
    }
}

#[tokio::test]
async fn a_killed_writer_leaves_a_layout() {
    let files = Files::empty();
    let mut kept = BTreeSet::new();
    for round in 0..24 {
        let mut writer = start(&files.path(), &format!("r{round}"), 1000);
        let output = BufReader::new(writer.stdout.take().expect("a pipe")).lines();
        // Up to another image each time; progress beyond that is random.
        let mut left = round % 6;
        for line in output {
            let line = line.expect("text");
            if let Some((_, tag)) = line.split_once("pushed=") {
                kept.insert(tag.to_owned());
                left -= 1;
            }
            if left == 0 && (line.contains("pushed=") || line.contains("open=")) {
                break;
            }
        }
        writer.kill().expect("a signal");
        writer.wait().expect("an end");
        let found = tags(&files.path()).await;
        assert!(found.is_superset(&kept), "what was pushed is there");
        LayoutWriter::open(files.path()).await.expect("a layout");
        assert_eq!(unfinished(&files.path()), 0, "the next writer sweeps");
    }
    assert_eq!(kept.len(), 60);
}

#[tokio::test]
async fn only_abandoned_files_are_swept() {
    let outside = tempfile::NamedTempFile::new().expect("a file");
    let files = Files::layout(&index(&[]))
        .file(".refkit-left", b"x")
        .file(".refkit-locked", b"x")
        .file(".refki", b"x")
        .subdirectory(".refkit-directory")
        .link(".refkit-link", outside.path());
    let locked = fs::File::open(files.path().join(".refkit-locked")).expect("a file");
    locked.lock().expect("a lock");
    for (round, at_work) in [("at work", true), ("ended", false)] {
        if !at_work {
            locked.unlock().expect("no lock");
        }
        let writer = LayoutWriter::open(files.path()).await.expect("a layout");
        let there = |name: &str| files.path().join(name).symlink_metadata().is_ok();
        assert_eq!((there(".refkit-left"), there(".refkit-locked")), (false, at_work), "{round}");
        assert!(there(".refki") && there(".refkit-directory") && there(".refkit-link"), "{round}");
        let image = image("x");
        image.push(&writer, &pinned(writer.repository(), image.digest())).await.expect("a push");
    }
    assert!(outside.path().exists());
}
