//! How the objects of the protocol are declared: which members must be there, which may be
//! missing, which may be `null`; everything else is kept in `extra`.

use serde::{Deserialize, Deserializer};

/// Reads a member that is there, `null` or not, so that `null` is not mistaken for absence.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Reads a member that is there, keeping a bare `null` as the value it is.
pub(crate) fn kept<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Declares an object of the protocol.
///
/// `Name { must be there } may have { or not } may be null { absent, null or there }`.
macro_rules! shape {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$must_meta:meta])* $must:ident: $must_type:ty,)* }
        $(may have { $($(#[$may_meta:meta])* $may:ident: $may_type:ty,)* })?
        $(may be null { $($(#[$null_meta:meta])* $null:ident: $null_type:ty,)* })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$must_meta])* pub $must: $must_type,)*
            $($(
                $(#[$may_meta])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $may: Option<$may_type>,
            )*)?
            $($(
                $(#[$null_meta])*
                #[serde(
                    default,
                    deserialize_with = "crate::protocol::shape::present",
                    skip_serializing_if = "Option::is_none"
                )]
                pub $null: Option<Option<$null_type>>,
            )*)?
            /// Members this version does not know, kept as they came.
            #[serde(flatten)]
            pub extra: crate::protocol::Extra,
        }
    };
}

/// Declares the params of a method: a [`shape!`] that we build as well as read.
///
/// One with members that must be there gets `new` with exactly those; one without gets `Default`.
macro_rules! params {
    (
        $(#[$meta:meta])*
        $name:ident {}
        $($rest:tt)*
    ) => {
        shape! {
            $(#[$meta])*
            #[derive(Default)]
            $name {}
            $($rest)*
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$must_meta:meta])* $must:ident: $must_type:ty,)+ }
        $(may have { $($(#[$may_meta:meta])* $may:ident: $may_type:ty,)* })?
        $(may be null { $($(#[$null_meta:meta])* $null:ident: $null_type:ty,)* })?
    ) => {
        shape! {
            $(#[$meta])*
            $name { $($(#[$must_meta])* $must: $must_type,)+ }
            $(may have { $($(#[$may_meta])* $may: $may_type,)* })?
            $(may be null { $($(#[$null_meta])* $null: $null_type,)* })?
        }

        impl $name {
            /// Returns the params with nothing but what the method demands.
            pub fn new($($must: impl Into<$must_type>),+) -> Self {
                Self {
                    $($must: $must.into(),)+
                    $($($may: None,)*)?
                    $($($null: None,)*)?
                    extra: crate::protocol::Extra::new(),
                }
            }
        }
    };
}

/// Declares a set of words the protocol uses, open at the end: `Other` keeps what we do not know.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$word_meta:meta])* $word:ident = $text:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_meta])* $word,)+
            /// A word this version does not know, as it came.
            Other(String),
        }

        impl $name {
            /// Returns the word as the protocol spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$word,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}

/// Declares the methods of one family: `Marker("name", scope): Params => Payload`.
macro_rules! methods {
    ($($(#[$meta:meta])* $marker:ident($name:literal, $scope:ident): $params:ty => $payload:ty;)+) => {
        $(
            $(#[$meta])*
            #[derive(Debug)]
            pub enum $marker {}

            impl crate::protocol::method::Method for $marker {
                const NAME: &'static str = $name;
                const NEEDS: crate::protocol::method::Needs = crate::protocol::method::Needs::$scope;
                type Params = $params;
                type Payload = $payload;
            }
        )+

        #[cfg(test)]
        pub(super) fn entries() -> Vec<super::Entry> {
            vec![$(super::Entry::of::<$marker>()),+]
        }
    };
}
