//! What a word in a tree can be, by where it stands: what a declaration says of it comes later.

use journey_grammar::{Node, SyntaxKind, Token};

/// What has a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Attribute,
    Tag,
    Event,
    Field,
    Topic,
    Funnel,
    Stage,
    Segment,
    Score,
    Voucher,
    Journey,
    Message,
    /// What a `send` is called in its journey.
    Handle,
    /// What `let`, `call`, `voucher` or `collect` give a name to.
    Local,
    /// A value of an enum.
    Value,
    /// A place with a name.
    Step,
    Split,
    /// A side of a split.
    Side,
    /// A contact of a test.
    Contact,
    /// A text that messages share: a partial or a layout.
    Part,
}

impl Kind {
    /// What people call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Tag => "tag",
            Self::Event => "event",
            Self::Field => "field",
            Self::Topic => "topic",
            Self::Funnel => "funnel",
            Self::Stage => "stage",
            Self::Segment => "segment",
            Self::Score => "score",
            Self::Voucher => "voucher",
            Self::Journey => "journey",
            Self::Message => "message",
            Self::Handle => "sent message",
            Self::Local => "value",
            Self::Value => "value",
            Self::Step => "step",
            Self::Split => "split",
            Self::Side => "side",
            Self::Contact => "contact",
            Self::Part => "shared text",
        }
    }
}

/// A word of the language that stands where a name does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Channel,
    Type,
    Function,
    Purpose,
    Priority,
    /// `with subject`
    Setting,
    /// `end because goal`
    EndReason,
    /// `skipped because cap`
    SkipReason,
}

/// What stands in a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The name of something new.
    New(Kind),
    /// The name of something that is declared.
    Known(Kind),
    /// A word with a meaning of its own.
    Word(Word),
    /// A sent message: a handle, or the message itself.
    Sent,
    /// `any email`, `any offers`: a channel, a message or a topic.
    AnyOf,
    /// Part of an expression: an attribute, a field, a value, a local name.
    Value,
    /// A segment, or the funnel of a stage.
    Group,
    /// A bare word behind `exit when`: an event, or a condition.
    EventOrValue,
    /// Names nothing that the project knows.
    Free,
}

/// What can stand where a [`Name`](SyntaxKind::Name) stands.
pub(crate) fn of_name(name: Node<'_>) -> Place {
    use SyntaxKind as K;
    let Some(parent) = name.parent() else { return Place::Free };
    let after = |keyword: SyntaxKind| previous(name).is_some_and(|token| token.kind() == keyword);
    match parent.kind() {
        K::TagsDecl => Place::New(Kind::Tag),
        K::EventDecl => Place::New(Kind::Event),
        K::TopicDecl => Place::New(Kind::Topic),
        K::FunnelDecl => Place::New(Kind::Funnel),
        K::StageGroup => Place::New(Kind::Stage),
        K::SegmentDecl => Place::New(Kind::Segment),
        K::ScoreDecl => Place::New(Kind::Score),
        K::VoucherDecl => Place::New(Kind::Voucher),
        K::Journey => Place::New(Kind::Journey),
        K::EnumType => Place::New(Kind::Value),
        K::LetStep => Place::New(Kind::Local),
        K::SplitStep => Place::New(Kind::Split),
        K::SplitArm => Place::New(Kind::Side),
        K::StepLabel => Place::New(Kind::Step),
        K::GivenContact => Place::New(Kind::Contact),
        K::AsClause => match parent.parent().map(Node::kind) {
            Some(K::SendStep) => Place::New(Kind::Handle),
            _ => Place::New(Kind::Local),
        },
        K::TagPattern | K::AddTagStep | K::RemoveTagStep | K::HasTagExpr => Place::Known(Kind::Tag),
        K::TopicClause | K::SubscribeStep | K::UnsubscribeStep | K::ConsentExpr | K::ConsentPattern => {
            Place::Known(Kind::Topic)
        }
        K::EventPattern | K::EventStimulus | K::RecordStep | K::DidExpr => Place::Known(Kind::Event),
        K::SendStep => Place::Known(Kind::Message),
        K::StatusPattern | K::StatusExpr | K::ExpectSkipped => Place::Sent,
        K::ExpectSend if is_first(name) => Place::Word(Word::Channel),
        K::ExpectSend => Place::Sent,
        K::AnyMessage => Place::AnyOf,
        K::StartStep | K::StopStep | K::MemberExpr => Place::Known(Kind::Journey),
        K::MigrateClause if after(K::ToKw) => Place::Known(Kind::Step),
        K::VoucherStep => Place::Known(Kind::Voucher),
        K::ForClause => match parent.parent().map(Node::kind) {
            Some(K::ScheduleTrigger) => Place::Known(Kind::Segment),
            _ => Place::Known(Kind::Contact),
        },
        K::ChannelList
        | K::ViaClause
        | K::ReachableExpr
        | K::SenderRule
        | K::CapRule
        | K::RateRule
        | K::QuietHoursRule => Place::Word(Word::Channel),
        K::TypeRef => Place::Word(Word::Type),
        K::FunctionExpr => Place::Word(Word::Function),
        K::PurposeClause => Place::Word(Word::Purpose),
        K::PriorityClause => Place::Word(Word::Priority),
        K::WithClause => Place::Word(Word::Setting),
        K::BecauseClause => match parent.parent().map(Node::kind) {
            Some(K::ExpectSkipped) => Place::Word(Word::SkipReason),
            _ => Place::Word(Word::EndReason),
        },
        _ => Place::Free,
    }
}

/// What can stand where a [`Path`](SyntaxKind::Path) stands: of its first word.
pub(crate) fn of_path(path: Node<'_>) -> Place {
    use SyntaxKind as K;
    let Some(parent) = path.parent() else { return Place::Free };
    match parent.kind() {
        K::SegmentPattern => Place::Known(Kind::Segment),
        K::StagePattern | K::MoveStep => Place::Known(Kind::Funnel),
        K::MemberExpr => Place::Group,
        K::AggregateExpr | K::OccurrenceExpr => Place::Known(Kind::Event),
        K::CallStep | K::GivenCall => Place::Free,
        K::ExitClause if path.own_tokens().count() == 1 => Place::EventOrValue,
        K::ExpectEffect => match parent.first_token().map(Token::kind) {
            Some(K::TagKw | K::UntagKw) => Place::Known(Kind::Tag),
            Some(K::StageKw) => Place::Known(Kind::Funnel),
            Some(K::PathKw) => Place::Known(Kind::Split),
            Some(K::RecordKw) => Place::Known(Kind::Event),
            Some(K::VoucherKw) => Place::Known(Kind::Voucher),
            Some(K::SubscribeKw | K::UnsubscribeKw) => Place::Known(Kind::Topic),
            Some(K::StartKw) => Place::Known(Kind::Journey),
            Some(K::NotifyKw | K::AskKw) => Place::Value,
            _ => Place::Free,
        },
        _ => Place::Value,
    }
}

/// The last token before a node that is no trivia.
pub(crate) fn previous(node: Node<'_>) -> Option<Token<'_>> {
    let mut token = node.first_token()?.previous();
    while let Some(current) = token {
        if !current.kind().is_trivia() {
            return Some(current);
        }
        token = current.previous();
    }
    None
}

fn is_first(name: Node<'_>) -> bool {
    name.parent().and_then(|parent| parent.child(SyntaxKind::Name)) == Some(name)
}
