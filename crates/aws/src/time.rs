//! Points in time, from the SDK's type.

use aws_sdk_cognitoidentityprovider::primitives::DateTime as SdkTime;
use chrono::{DateTime, Utc};

pub(crate) fn utc(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
