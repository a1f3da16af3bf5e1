//! `refkit-componentize DIR PACKAGE=NAME…` leaves each package's component as `DIR/NAME.wasm`;
//! `refkit-componentize --messages PACKAGE…` prints cargo's messages of the same build.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "it is a part of the build, and cargo tells it where things are")]

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

const USAGE: &str = "usage: refkit-componentize DIR PACKAGE=NAME... | --messages PACKAGE...";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().context(USAGE)?;
    let rest: Vec<String> = arguments.collect();
    let workspace = std::env::current_dir()?;
    if first == "--messages" {
        let packages: Vec<&str> = rest.iter().map(String::as_str).collect();
        std::io::stdout().write_all(&refkit_componentize::messages(&workspace, &packages)?)?;
        return Ok(());
    }
    let pairs = rest.iter().map(|pair| pair.split_once('=').with_context(|| format!("{pair} is not PACKAGE=NAME")));
    let (packages, names): (Vec<&str>, Vec<&str>) = pairs.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    std::fs::create_dir_all(&first)?;
    for (name, component) in names.iter().zip(refkit_componentize::build(&workspace, &packages)?) {
        let path = Path::new(&first).join(format!("{name}.wasm"));
        std::fs::write(&path, &component).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{:>8} bytes  {}", component.len(), path.display());
    }
    Ok(())
}
