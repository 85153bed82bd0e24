//! How domain values lie in a column: identifiers and states as TEXT, hashes and pseudonyms as bytes, times and codes as
//! BIGINT, on either database. A stored value that cannot be one is a decoding error, reported as [`StoreError::Corrupt`].

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};
use uuid::Uuid;

use super::StoreError;
use crate::domain::hash::Digest;
use crate::domain::job::JobState;
use crate::domain::model::{MemberState, VersionState};
use crate::domain::rights::ErasureStep;
use crate::domain::{Bucket, Consent, EventKey, EventKind, ItemId, ItemState, Micros, ModelVersion, Pseudonym, ShardId, SkillId, TenantId};

/// `column!(Domain, Stored, Borrowed, |value| to_stored, |stored| from_stored)`.
macro_rules! column {
    ($domain:ty, $stored:ty, $borrowed:ty, |$value:ident| $to:expr, |$raw:ident| $from:expr) => {
        impl<DB: Database> Type<DB> for $domain
        where
            $stored: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$stored as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <$stored as Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $domain
        where
            $stored: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let $value = self;
                <$stored as Encode<'q, DB>>::encode($to, buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $domain
        where
            $borrowed: Decode<'r, DB>,
        {
            fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let $raw = <$borrowed as Decode<'r, DB>>::decode(value)?;
                $from
            }
        }
    };
}

// Messages name what was expected, never what was found: a pseudonym must not reach a log.
column!(Pseudonym, Vec<u8>, &'r [u8], |v| v.0.to_vec(), |raw| Self::from_slice(raw).ok_or_else(|| "expected 16 bytes".into()));
column!(EventKey, Vec<u8>, &'r [u8], |v| v.0.to_vec(), |raw| Self::from_slice(raw).ok_or_else(|| "expected 16 bytes".into()));
column!(Digest, Vec<u8>, &'r [u8], |v| v.0.to_vec(), |raw| Self::from_slice(raw).ok_or_else(|| "expected 32 bytes".into()));
column!(TenantId, String, &'r str, |v| v.as_str().to_owned(), |raw| Ok(Self::parse(raw)?));
column!(ItemId, String, &'r str, |v| v.as_str().to_owned(), |raw| Ok(Self::parse(raw)?));
column!(SkillId, String, &'r str, |v| v.as_str().to_owned(), |raw| Ok(Self::parse(raw)?));
column!(ModelVersion, String, &'r str, |v| v.0.clone(), |raw| Ok(Self(raw.to_owned())));
column!(Micros, i64, i64, |v| v.0, |raw| Ok(Self(raw)));
column!(Bucket, i64, i64, |v| i64::from(v.0), |raw| Ok(Self(u16::try_from(raw)?)));
column!(ShardId, i64, i64, |v| i64::from(v.0), |raw| Ok(Self(u16::try_from(raw)?)));
column!(EventKind, i64, i64, |v| i64::from(v.code()), |raw| i16::try_from(raw)
    .ok()
    .and_then(Self::from_code)
    .ok_or_else(|| "unknown kind of event".into()));

macro_rules! named {
    ($($state:ty),+) => {
        $(column!($state, String, &'r str, |v| v.as_str().to_owned(), |raw| Self::parse(raw).ok_or_else(|| "unknown state".into()));)+
    };
}
named!(Consent, ItemState, JobState, MemberState, VersionState, ErasureStep);

/// A UUID as TEXT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(pub Uuid);
column!(Id, String, &'r str, |v| v.0.to_string(), |raw| Ok(Self(Uuid::parse_str(raw)?)));

/// A yes or no as BIGINT 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub bool);
column!(Flag, i64, i64, |v| i64::from(v.0), |raw| Ok(Self(raw != 0)));

/// A value kept as JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Json<T>(pub T);

impl<DB: Database, T> Type<DB> for Json<T>
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <String as Type<DB>>::compatible(ty)
    }
}

impl<'q, DB: Database, T: serde::Serialize> Encode<'q, DB> for Json<T>
where
    String: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <String as Encode<'q, DB>>::encode(serde_json::to_string(&self.0)?, buffer)
    }
}

impl<'r, DB: Database, T: serde::de::DeserializeOwned> Decode<'r, DB> for Json<T>
where
    &'r str: Decode<'r, DB>,
{
    fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        // serde_json's messages quote the value they stumbled over; the position is enough.
        let text = <&'r str as Decode<'r, DB>>::decode(value)?;
        serde_json::from_str(text).map(Self).map_err(|error| format!("not the expected JSON at column {}", error.column()).into())
    }
}

/// Names the table a failed statement was about.
pub(super) trait About<T> {
    fn about(self, table: &'static str) -> Result<T, StoreError>;
}

impl<T> About<T> for Result<T, sqlx::Error> {
    fn about(self, table: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| match error {
            sqlx::Error::ColumnDecode { index, source } => StoreError::corrupt(table, index.trim_matches('"'), source.to_string()),
            other => other.into(),
        })
    }
}
