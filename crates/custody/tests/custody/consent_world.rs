//! What tests of consent ask of a world.

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, ConsentChoice, ConsentCommand, ConsentEntry, ConsentEvidence,
    ConsentOutcome, ConsentReply, ConsentRow, RetentionCommand, ShownNotice, TrainingRead, TrainingTarget,
};
use fiducia_policy::{
    ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose, ConversationId, KeyId, Plan,
    SubjectId,
};
use fiducia_store::{DataDirectory, KeyStore};

use crate::world::World;

/// A choice on batch training after the first English notice.
pub(crate) fn choice(act: ConsentAct) -> ConsentChoice {
    ConsentChoice {
        purpose: ConsentPurpose::BatchTraining,
        act,
        kind: ConsentKind::Explicit,
        notice: Some(ShownNotice { language: "en".to_owned(), version: 1, hash: None }),
        region: None,
        evidence: ConsentEvidence::default(),
        at: None,
        request: None,
    }
}

/// The same about another purpose.
pub(crate) fn choice_on(purpose: ConsentPurpose, act: ConsentAct) -> ConsentChoice {
    ConsentChoice { purpose, ..choice(act) }
}

impl World {
    /// A world of consumers in which the first notice of every purpose is published.
    pub(crate) fn of_consumers() -> Self {
        let mut world = Self::new();
        for purpose in ConsentPurpose::ALL {
            world.publish_notice(purpose.name(), "en", 1);
        }
        world.use_agreed_organization("consumers", Plan::Pro, None);
        world
    }

    pub(crate) fn notice_text(purpose: &str, language: &str, version: u32) -> String {
        include_str!("../../../../policies/notices/batch-training.en.toml")
            .replace("purpose = \"batch-training\"", &format!("purpose = \"{purpose}\""))
            .replace("language = \"en\"", &format!("language = \"{language}\""))
            .replace("version = 1", &format!("version = {version}"))
    }

    pub(crate) fn publish_notice(&mut self, purpose: &str, language: &str, version: u32) {
        self.try_publish(Self::notice_text(purpose, language, version)).unwrap();
    }

    pub(crate) fn try_publish(&self, source: String) -> Result<ConsentReply, AdminError> {
        self.consent(ConsentCommand::PublishNotice { source, actor: "tester".to_owned() })
    }

    pub(crate) fn consent(&self, command: ConsentCommand) -> Result<ConsentReply, AdminError> {
        match self.custody().administer(AdminCommand::Consent(command))? {
            AdminReply::Consented(reply) => Ok(reply),
            _ => panic!("reply"),
        }
    }

    /// The current person's own choice, in their settings.
    pub(crate) fn choose(&self, choice: ConsentChoice) -> Result<ConsentOutcome, AdminError> {
        self.choose_by(ConsentChannel::Settings, choice)
    }

    pub(crate) fn choose_by(
        &self,
        channel: ConsentChannel,
        choice: ConsentChoice,
    ) -> Result<ConsentOutcome, AdminError> {
        let caller = self.custody().authenticate(self.secret()).unwrap();
        self.custody().choose(&caller, channel, choice)
    }

    pub(crate) fn standing(&self, subject: SubjectId, purpose: ConsentPurpose) -> ConsentRow {
        let ConsentReply::Standings(rows) = self.consent(ConsentCommand::Show { subject }).unwrap() else {
            panic!("reply")
        };
        rows.into_iter().find(|row| row.purpose == purpose).unwrap()
    }

    pub(crate) fn history(&self, subject: SubjectId) -> Vec<ConsentEntry> {
        let command = ConsentCommand::History { subject, purpose: None, before: None, limit: 1_000 };
        match self.consent(command).unwrap() {
            ConsentReply::History(entries) => entries,
            _ => panic!("reply"),
        }
    }

    pub(crate) fn receipt(&self, id: ConsentId) -> String {
        match self.consent(ConsentCommand::Receipt { id }).unwrap() {
            ConsentReply::Receipt { text, .. } => text,
            _ => panic!("reply"),
        }
    }

    /// What a build for a purpose takes out of a conversation.
    pub(crate) fn taken(&self, purpose: ConsentPurpose, id: ConversationId) -> (Vec<String>, TrainingRead) {
        let mut taken = Vec::new();
        let read = self
            .custody()
            .open_for_training(purpose, &TrainingTarget::Conversation(id), &mut |record| {
                taken.push(String::from_utf8(record.bytes.to_vec()).unwrap());
            })
            .unwrap();
        (taken, read)
    }

    /// Whether a build for batch training gets anything out of a conversation.
    pub(crate) fn trains(&self, id: ConversationId) -> bool {
        !self.taken(ConsentPurpose::BatchTraining, id).0.is_empty()
    }

    pub(crate) fn set_plan(&self, plan: Option<Plan>) {
        self.govern(RetentionCommand::SetPersonPlan { subject: self.subject(), plan }).unwrap();
    }

    /// The key store, as it lies on disk.
    pub(crate) fn keys(&self) -> KeyStore {
        KeyStore::open_for_reading(&DataDirectory::keys(&self.data())).unwrap()
    }

    /// The person's living keys of their own, with how many paths lead to each.
    pub(crate) fn own_keys(&self) -> Vec<(KeyId, String, usize)> {
        let keys = self.keys();
        let nodes = keys.subject_keys(self.subject()).unwrap();
        nodes
            .into_iter()
            .map(|node| (node.id, node.kind.name().to_owned(), keys.consent_roots(node.id).unwrap().len()))
            .collect()
    }
}
