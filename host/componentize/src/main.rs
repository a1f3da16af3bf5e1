//! `refkit-componentize DIR PACKAGE=NAME…`: leaves each package's component as `DIR/NAME.wasm`.
#![forbid(unsafe_code)]

use std::path::Path;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().context("usage: refkit-componentize DIR PACKAGE=NAME...")?;
    let pairs: Vec<String> = arguments.collect();
    let pairs = pairs.iter().map(|pair| pair.split_once('=').context("a guest is named PACKAGE=NAME"));
    let (packages, names): (Vec<&str>, Vec<&str>) = pairs.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    std::fs::create_dir_all(&directory)?;
    let workspace = std::env::current_dir()?;
    for (name, component) in names.iter().zip(refkit_componentize::build(&workspace, &packages)?) {
        let path = Path::new(&directory).join(format!("{name}.wasm"));
        std::fs::write(&path, &component).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{:>8} bytes  {}", component.len(), path.display());
    }
    Ok(())
}
