//! `-v`: the events of the libraries on standard error.

use refkit_support::FaultRegistry;

use crate::places::fill;
use crate::run::refkit;

#[test]
fn requests_are_logged_with_two_v_and_nothing_without() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let image = format!("{}/demo/app:1.0.0", registry.host());
    let silent = refkit(["resolve", "--no-cache", &image]);
    assert_eq!((silent.code, silent.stderr.as_str()), (0, ""), "{}", silent.all());
    let logged = refkit(["-vv", "resolve", "--no-cache", &image]);
    assert_eq!((logged.code, logged.text()), (0, silent.text()), "{}", logged.all());
    assert!(logged.stderr.contains("refkit::request") && logged.stderr.contains("status=200"), "{}", logged.all());
    // The flag may also follow the name of the command.
    let after = refkit(["resolve", "-vv", "--no-cache", &image]);
    assert!(after.stderr.contains("refkit::request"), "{}", after.all());
}
