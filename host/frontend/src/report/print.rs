//! A build step that prints lines: it runs this program once more, on the image that it is in.

use std::path::Path;

use bytes::Bytes;
use prost::Message as _;
use refkit_buildkit::pb;
use refkit_content::verify;
use refkit_oci::Algorithm;

/// The most lines of one explanation. They become the arguments of a program.
const LINES: usize = 2_000;

/// The most characters of one line.
const LINE: usize = 4 << 10;

/// The capabilities that BuildKit needs for the step.
const CAPABILITIES: [&str; 4] = ["exec.meta.base", "exec.mount.bind", "meta.ignorecache", "meta.description"];

/// Returns the definition of a step that prints lines, from the definition of this frontend's image. `name` is the name
/// of the step in the progress of the build.
pub fn definition(image: pb::Definition, name: &str, lines: &[String]) -> Option<pb::Definition> {
    let program = std::env::current_exe().ok()?;
    let program = Path::new(&program).to_str()?.to_owned();
    let shown = lines.iter().take(LINES).map(|line| line.chars().take(LINE).collect::<String>());
    let args: Vec<String> = [program, "--print".to_owned()].into_iter().chain(shown).collect();
    let rootfs = pb::Op::decode(image.def.last()?.clone()).ok()?.inputs.pop()?;
    let mut definition = pb::Definition { source: None, ..image };
    definition.def.pop();
    let meta = pb::Meta { args, cwd: "/".to_owned(), ..Default::default() };
    let mount = pb::Mount { dest: "/".to_owned(), output: -1, readonly: true, ..Default::default() };
    let exec = pb::ExecOp { meta: Some(meta), mounts: vec![mount] };
    let platform = definition.def.iter().rev().find_map(|bytes| pb::Op::decode(bytes.clone()).ok()?.platform);
    let run = pb::Op { inputs: vec![rootfs], op: Some(pb::op::Op::Exec(exec)), platform, ..Default::default() };
    let run = Bytes::from(run.encode_to_vec());
    let digest = verify::digest(Algorithm::Sha256, &run).into_string();
    let metadata = pb::OpMetadata {
        // The next build prints the same text again.
        ignore_cache: true,
        description: [("llb.customname".to_owned(), name.to_owned())].into(),
        caps: CAPABILITIES.into_iter().map(|cap| (cap.to_owned(), true)).collect(),
    };
    definition.metadata.insert(digest.clone(), metadata);
    let result = pb::Op { inputs: vec![pb::Input { digest, index: 0 }], ..Default::default() };
    definition.def.extend([run, result.encode_to_vec().into()]);
    Some(definition)
}
