//! Tests of Dockerfiles as a whole: by table, against BuildKit's own frontend, and hostile ones.
#![forbid(unsafe_code)]

#[path = "dockerfile/buildkit.rs"]
mod buildkit;
#[path = "dockerfile/errors.rs"]
mod errors;
#[path = "dockerfile/hostile.rs"]
mod hostile;
#[path = "dockerfile/images.rs"]
mod images;
#[path = "dockerfile/rows.rs"]
mod rows;
#[path = "../src/lex/rows.rs"]
mod words;
