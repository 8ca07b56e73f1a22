//! The result of a decision: for each ground, whether it holds and until when.

use crate::edge::Timestamp;
use crate::ground::GroundKind;

/// When something ends. Sorts by how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// It never began: nothing is kept.
    NotKept,
    /// It ends at this instant.
    At(Timestamp),
    /// Nothing that has happened so far ends it.
    Open,
}

/// How one ground stands for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// The ground has not opened, or the policy does not know it for this record.
    #[default]
    NotOpen,
    /// It holds until the instant; `None`: until something happens that ends it. The instant may have passed: a
    /// schedule knows events, not the time. See [`Standing::holds_at`].
    Holds {
        /// When it ends by itself.
        until: Option<Timestamp>,
    },
    /// It ended, and something that happened later proves that this is in the past.
    Ended {
        /// When.
        at: Timestamp,
    },
}

impl Standing {
    /// Whether the ground holds at `now`. At its end it no longer does.
    pub fn holds_at(self, now: Timestamp) -> bool {
        match self {
            Self::Holds { until } => until.is_none_or(|until| now < until),
            Self::NotOpen | Self::Ended { .. } => false,
        }
    }

    /// When the ground ends.
    pub const fn end(self) -> End {
        match self {
            Self::NotOpen => End::NotKept,
            Self::Holds { until: None } => End::Open,
            Self::Holds { until: Some(at) } | Self::Ended { at } => End::At(at),
        }
    }
}

/// How every ground stands for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Schedule {
    standings: [Standing; GroundKind::ALL.len()],
}

impl Schedule {
    /// How this ground stands.
    pub fn standing(&self, ground: GroundKind) -> Standing {
        self.standings.get(ground as usize).copied().unwrap_or_default()
    }

    /// When the record's last ground ends.
    pub fn ends_at(&self) -> End {
        self.standings.iter().map(|standing| standing.end()).max().unwrap_or(End::NotKept)
    }

    /// Every ground with its standing.
    pub fn iter(&self) -> impl Iterator<Item = (GroundKind, Standing)> + '_ {
        GroundKind::ALL.into_iter().zip(self.standings.iter().copied())
    }

    /// The grounds that hold at `now`.
    pub fn holding_at(&self, now: Timestamp) -> impl Iterator<Item = GroundKind> + '_ {
        self.iter().filter(move |(_, standing)| standing.holds_at(now)).map(|(ground, _)| ground)
    }

    pub(crate) fn set(&mut self, ground: GroundKind, standing: Standing) {
        if let Some(place) = self.standings.get_mut(ground as usize) {
            *place = standing;
        }
    }
}

/// The number of a published policy within an installation. 0 is the built-in policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct PolicyVersion(pub u32);

impl std::fmt::Display for PolicyVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}
