//! The log of a build, for people.

use crate::Shipped;

#[test]
fn warnings_of_policies() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("variant", &[("take", "linux/arm/v7")])], &[])?;
    let outcome = shipped.build("FROM APP").run()?.succeeded()?;
    let warnings = outcome.warnings();
    assert!(warnings.iter().any(|text| text == "variant: linux/arm/v7 is taken"), "{warnings:?}\n{}", outcome.log);
    Ok(())
}

#[test]
fn an_explanation_where_it_is_asked_for() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let outcome = shipped.build("FROM APP").arg("REFKIT_EXPLAIN", "1").run()?.succeeded()?;
    for part in ["├─ allow-list", "└─ default", "policy allow-list: ", "→ resolved ", "limits", "├─ calls"]
    {
        assert!(outcome.log.contains(part), "{part}: {}", outcome.log);
    }
    let outcome = shipped.build("FROM APP").run()?.succeeded()?;
    assert!(!outcome.log.contains("├─ calls"), "{}", outcome.log);
    Ok(())
}

/// An allow-list waits for the answer and still reads no documents, because registries do not show BuildKit all of
/// them.
#[test]
fn an_allow_list_reads_no_documents() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let outcome = shipped.build("FROM APP").arg("REFKIT_EXPLAIN", "1").run()?.succeeded()?;
    // The allow-list's call of the rest of the chain, BuildKit's resolution of the image, and the config in that
    // response.
    let calls = outcome.log.lines().find(|line| line.contains("├─ calls ")).unwrap_or_default();
    assert!(calls.trim_end().ends_with(" 3 / 1000"), "{}", outcome.log);
    assert!(!outcome.log.contains("─ pull "), "{}", outcome.log);
    Ok(())
}

#[test]
fn steps_name_the_content_they_read() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let outcome = shipped.build("FROM APP").run()?.succeeded()?;
    let steps: Vec<String> = outcome.steps().into_iter().map(|step| step.name).collect();
    let wanted = format!("[refkit] load metadata for {}", shipped.app);
    assert!(steps.iter().any(|step| step.starts_with(&wanted)), "{steps:?}");
    Ok(())
}
