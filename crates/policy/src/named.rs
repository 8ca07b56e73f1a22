//! Closed lists whose members have a name, in policies, on command lines and in databases.

/// A name that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {kind}; there are: {}", known.join(", "))]
pub struct UnknownName {
    /// What the list holds, with its article: `a plan`.
    pub kind: &'static str,
    /// What was given instead.
    pub given: String,
    /// Every name in the list.
    pub known: Vec<&'static str>,
}

/// Makes a fieldless enum whose members are read and written by name.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $kind:literal { $($(#[$member_doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            schemars::JsonSchema)]
        pub enum $name {
            $($(#[$member_doc])* #[serde(rename = $text)] $member,)+
        }

        impl $name {
            /// Every member, in the order of the documentation.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$member),+];

            /// The stable name in policies, databases, the ledger and command lines.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$member => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::named::UnknownName> {
                Self::ALL.into_iter().find(|member| member.name() == text).ok_or_else(|| $crate::named::UnknownName {
                    kind: $kind,
                    given: text.to_owned(),
                    known: vec![$($text),+],
                })
            }
        }
    };
}

pub(crate) use named;
