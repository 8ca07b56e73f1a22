//! What is done about a finding.

use crate::named::named;

named! {
    /// What is done about a finding. The order is that of sternness: of several the last one counts.
    SafetyAction, "an action of a safeguard" {
        /// Nothing.
        Allow = "allow",
        /// It passes, and people look at it later.
        Flag = "flag",
        /// Typed placeholders take the place of what was found, and are taken back in the answer.
        Mask = "mask",
        /// What was found is taken out for good.
        Redact = "redact",
        /// It passes as long as there are few such requests in an hour.
        Throttle = "throttle",
        /// Another model answers, and the answer says so.
        Reroute = "reroute",
        /// It waits until somebody has looked at it.
        HoldForReview = "hold-for-review",
        /// It is refused, and the answer says so.
        Refuse = "refuse",
    }
}

named! {
    /// What a sandbox says about: everything that a model can reach besides the conversation.
    SandboxKind, "a thing that a sandbox is about" {
        /// A tool that the client runs, by name.
        Tool = "tool",
        /// A tool that the provider runs, by its type.
        ServerTool = "server-tool",
        /// A server of the Model Context Protocol, by its host.
        McpServer = "mcp-server",
        /// A host in a link.
        UrlHost = "url-host",
        /// A type of file, as `application/pdf`.
        FileType = "file-type",
    }
}

named! {
    /// What happens to something that a sandbox does not permit.
    SandboxOtherwise, "what a sandbox does otherwise" {
        /// It is taken out of the request or the answer, and a notice says so.
        Remove = "remove",
        /// The request or the answer is refused.
        Refuse = "refuse",
    }
}

named! {
    /// What a limit of tokens counts.
    LimitKind, "a limit of tokens" {
        /// One message.
        Message = "message",
        /// One request with its history.
        Request = "request",
        /// Everything new in a conversation.
        Conversation = "conversation",
        /// Everything new of a person in a day, in UTC.
        SubjectDay = "subject-day",
        /// One answer.
        Output = "output",
    }
}
