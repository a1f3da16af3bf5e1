//! Conversions between BuildKit's platforms and those of `refkit-oci`.

use super::Platform;

impl From<&refkit_oci::Platform> for Platform {
    fn from(platform: &refkit_oci::Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone().unwrap_or_default(),
            os_version: platform.os_version.clone().unwrap_or_default(),
            os_features: platform.os_features.clone(),
        }
    }
}

impl From<&Platform> for refkit_oci::Platform {
    fn from(platform: &Platform) -> Self {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            variant: some(&platform.variant),
            os_version: some(&platform.os_version),
            os_features: platform.os_features.clone(),
        }
    }
}
