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

/// Members of a closed list, each at most once, in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct NamedSet<T>(Vec<T>);

impl<T> Default for NamedSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> NamedSet<T> {
    /// The members, in order.
    pub fn members(&self) -> &[T] {
        &self.0
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Copy + PartialEq> NamedSet<T> {
    /// Whether `member` is among them.
    pub fn contains(&self, member: T) -> bool {
        self.0.contains(&member)
    }
}

impl<T: Ord> FromIterator<T> for NamedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut members: Vec<T> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Self(members)
    }
}

impl<T: std::fmt::Display> std::fmt::Display for NamedSet<T> {
    /// The names with a space between them, as databases and the ledger keep them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(T::to_string).collect();
        formatter.write_str(&names.join(" "))
    }
}

impl<T: Ord + std::str::FromStr<Err = UnknownName>> std::str::FromStr for NamedSet<T> {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split_whitespace().map(str::parse).collect()
    }
}
