//! Selects the image of one platform whatever platform is requested, and sends a warning.

use refkit_policy::*;

/// The policy.
pub struct Variant;

impl Policy for Variant {
    fn about() -> Description {
        Description::new("variant", "0.0.0", "Takes the image of one platform for all")
            .required("take", "the platform, such as linux/arm/v7")
    }

    fn resolve(host: &impl Host, mut request: Request) -> Result<Outcome, Error> {
        let take = required(host, "take")?;
        let take: oci::Platform = take.parse().map_err(|error| Error::invalid(format_args!("take: {error}")))?;
        if let Selection::Platforms(platforms) = &mut request.selection {
            platforms.iter_mut().for_each(|platform| *platform = take.clone().into());
        }
        host.event(Level::Warn, &format!("{take} is taken"), &[]);
        host.next(&request)
    }
}

refkit_policy::export!(Variant);
