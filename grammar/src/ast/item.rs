//! Files, declarations and journeys.

use super::{
    AstNode, Clause, Expr, FieldValue, Name, Pattern, Step, Test, Window, child, children, choice, has, nth_token,
    views,
};
use crate::kind::SyntaxKind::{self, *};
use crate::tree::{Node, Token, Tree};

views! {
    /// The whole source.
    File
    /// `contact { email: email }`
    ContactDecl
    /// `tags { lead customer }`
    TagsDecl
    /// `event purchase { amount: money }`
    EventDecl
    /// `topic offers "Offers and news"`
    TopicDecl
    /// `funnel sales { new -> prospect -> customer | lost }`
    FunnelDecl
    /// `customer | lost`
    StageGroup
    /// `segment engaged = opened any email within 30d`
    SegmentDecl
    /// `score engagement { opened +2 halves every 30d }`
    ScoreDecl
    /// `opened +2`
    ScoreRule
    /// `halves every 30d`
    ScoreDecay
    /// `voucher cart10 "10 % off" from file "vouchers/cart10.csv"`
    VoucherDecl
    /// `policy { cap 3 messages per 7d }`
    PolicyDecl
    /// `sender "Moosbett <hello@moosbett.example>"`
    SenderRule
    /// `address "Moosbett GmbH, Teststr. 1, 53177 Bonn"`
    AddressRule
    /// `quiet hours 21:00 to 08:00`
    QuietHoursRule
    /// `cap sms 1 per 7d`
    CapRule
    /// `rate email 1000 per 1h`
    RateRule
    /// `{ amount: money, voucher: text? }`
    FieldList
    /// `plan: enum { free pro } = free`
    Field
    /// `text?`
    TypeRef
    /// `enum { free pro }`
    EnumType
    /// `list of text`
    ListType
    /// `journey nurture { .. }`
    Journey
    /// A journey without a block; its name is the file's.
    BareJourney
}

choice! {
    /// What a file is made of.
    Item {
        /// `contact { .. }`
        Contact(ContactDecl)
        /// `tags { .. }`
        Tags(TagsDecl)
        /// `event purchase { .. }`
        Event(EventDecl)
        /// `topic offers ".."`
        Topic(TopicDecl)
        /// `funnel sales { .. }`
        Funnel(FunnelDecl)
        /// `segment engaged = ..`
        Segment(SegmentDecl)
        /// `score engagement { .. }`
        Score(ScoreDecl)
        /// `voucher cart10 ".." ..`
        Voucher(VoucherDecl)
        /// `policy { .. }`
        Policy(PolicyDecl)
        /// A journey, in a block or bare.
        Journey(AnyJourney)
        /// `test ".." { .. }`
        Test(Test)
    }
}

choice! {
    /// A journey in a block, or a bare sentence.
    AnyJourney {
        /// `journey nurture { .. }`
        Block(Journey)
        /// Clauses and steps to the end of the file.
        Bare(BareJourney)
    }
}

choice! {
    /// A rule of the policy.
    PolicyRule {
        /// `sender ".."`
        Sender(SenderRule)
        /// `address ".."`
        Address(AddressRule)
        /// `quiet hours ..`
        QuietHours(QuietHoursRule)
        /// `cap ..`
        Cap(CapRule)
        /// `rate ..`
        Rate(RateRule)
    }
}

impl<'t> File<'t> {
    /// The tree's root.
    pub fn of(tree: &'t Tree) -> Self {
        Self(tree.root())
    }

    /// Declarations, journeys and tests in order.
    pub fn items(self) -> impl Iterator<Item = Item<'t>> {
        children(self.0)
    }

    /// The journeys, in blocks or bare.
    pub fn journeys(self) -> impl Iterator<Item = AnyJourney<'t>> {
        children(self.0)
    }

    /// The tests.
    pub fn tests(self) -> impl Iterator<Item = Test<'t>> {
        children(self.0)
    }
}

impl<'t> AnyJourney<'t> {
    /// Its name; a bare one has none of its own.
    pub fn name(self) -> Option<Name<'t>> {
        match self {
            Self::Block(journey) => child(journey.syntax()),
            Self::Bare(_) => None,
        }
    }

    /// Its header.
    pub fn clauses(self) -> impl Iterator<Item = Clause<'t>> {
        children(self.syntax())
    }

    /// Its steps.
    pub fn steps(self) -> impl Iterator<Item = Step<'t>> {
        children(self.syntax())
    }

    /// Its documentation.
    pub fn docs(self) -> Option<std::string::String> {
        self.syntax().docs()
    }
}

impl<'t> ContactDecl<'t> {
    /// The attributes.
    pub fn fields(self) -> impl Iterator<Item = Field<'t>> {
        fields(self.0)
    }
}

impl<'t> TagsDecl<'t> {
    /// The tags.
    pub fn names(self) -> impl Iterator<Item = Name<'t>> {
        children(self.0)
    }
}

impl<'t> EventDecl<'t> {
    /// The event's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The payload.
    pub fn fields(self) -> impl Iterator<Item = Field<'t>> {
        fields(self.0)
    }
}

/// The fields of the node's field list, none if it has no list.
pub(super) fn fields(node: Node<'_>) -> impl Iterator<Item = Field<'_>> {
    node.child(SyntaxKind::FieldList).into_iter().flat_map(Node::children).filter_map(Field::cast)
}

impl<'t> FieldList<'t> {
    /// The fields.
    pub fn fields(self) -> impl Iterator<Item = Field<'t>> {
        children(self.0)
    }
}

impl<'t> Field<'t> {
    /// The field's name; any word.
    pub fn name(self) -> Option<Token<'t>> {
        self.0.first_token().filter(|token| token.kind().is_word())
    }

    /// The type.
    pub fn type_ref(self) -> Option<TypeRef<'t>> {
        child(self.0)
    }

    /// The default.
    pub fn default(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// Its documentation.
    pub fn docs(self) -> Option<std::string::String> {
        self.0.docs()
    }
}

impl<'t> TypeRef<'t> {
    /// The type's name, if it is neither an enum nor a list.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The enum.
    pub fn enum_type(self) -> Option<EnumType<'t>> {
        child(self.0)
    }

    /// The list.
    pub fn list_type(self) -> Option<ListType<'t>> {
        child(self.0)
    }

    /// The `?` that says that it may be unset. That of `list of text?` is the list's: what stands in a list is set.
    pub fn optional(self) -> Option<Token<'t>> {
        self.0.token(Question).or_else(|| self.list_type()?.element()?.optional())
    }
}

impl<'t> EnumType<'t> {
    /// The values.
    pub fn values(self) -> impl Iterator<Item = Name<'t>> {
        children(self.0)
    }
}

impl<'t> ListType<'t> {
    /// The elements' type.
    pub fn element(self) -> Option<TypeRef<'t>> {
        child(self.0)
    }
}

impl<'t> TopicDecl<'t> {
    /// The topic's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The title that contacts read.
    pub fn title(self) -> Option<Token<'t>> {
        self.0.token(String)
    }
}

impl<'t> FunnelDecl<'t> {
    /// The funnel's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The stages in order; those of one group are alternatives.
    pub fn groups(self) -> impl Iterator<Item = StageGroup<'t>> {
        children(self.0)
    }
}

impl<'t> StageGroup<'t> {
    /// The stages.
    pub fn stages(self) -> impl Iterator<Item = Name<'t>> {
        children(self.0)
    }
}

impl<'t> SegmentDecl<'t> {
    /// The segment's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Who is in it.
    pub fn condition(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

impl<'t> ScoreDecl<'t> {
    /// The score's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What counts.
    pub fn rules(self) -> impl Iterator<Item = ScoreRule<'t>> {
        children(self.0)
    }

    /// How it fades.
    pub fn decay(self) -> Option<ScoreDecay<'t>> {
        child(self.0)
    }
}

impl<'t> ScoreRule<'t> {
    /// What happens.
    pub fn pattern(self) -> Option<Pattern<'t>> {
        child(self.0)
    }

    /// The points, without their sign.
    pub fn points(self) -> Option<Token<'t>> {
        self.0.token(Number)
    }

    /// Whether the points are taken away.
    pub fn is_negative(self) -> bool {
        has(self.0, Minus)
    }
}

impl<'t> ScoreDecay<'t> {
    /// The half-life.
    pub fn half_life(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}

impl<'t> VoucherDecl<'t> {
    /// The voucher's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The title.
    pub fn title(self) -> Option<Token<'t>> {
        nth_token(self.0, String, 0)
    }

    /// The file that the codes come from.
    pub fn file(self) -> Option<Token<'t>> {
        has(self.0, FileKw).then(|| nth_token(self.0, String, 1))?
    }

    /// The pattern that codes are made by.
    pub fn pattern(self) -> Option<Token<'t>> {
        has(self.0, GenerateKw).then(|| nth_token(self.0, String, 1))?
    }
}

impl<'t> PolicyDecl<'t> {
    /// The rules.
    pub fn rules(self) -> impl Iterator<Item = PolicyRule<'t>> {
        children(self.0)
    }
}

impl<'t> SenderRule<'t> {
    /// The channel it is for; all of them without one.
    pub fn channel(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The sender.
    pub fn sender(self) -> Option<Token<'t>> {
        self.0.token(String)
    }
}

impl<'t> AddressRule<'t> {
    /// The postal address.
    pub fn address(self) -> Option<Token<'t>> {
        self.0.token(String)
    }
}

impl<'t> QuietHoursRule<'t> {
    /// The channel it is for; all of them without one.
    pub fn channel(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// When nothing is sent.
    pub fn window(self) -> Option<Window<'t>> {
        child(self.0)
    }
}

/// The two rules that count messages.
macro_rules! messages_per {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The channel it is for; all of them without one.
            pub fn channel(self) -> Option<Name<'t>> {
                child(self.0)
            }

            /// How many messages.
            pub fn count(self) -> Option<Token<'t>> {
                self.0.token(Number)
            }

            /// In how long.
            pub fn per(self) -> Option<Token<'t>> {
                self.0.token(Duration)
            }
        }
    )*};
}

messages_per! { CapRule RateRule }

views! {
    /// `{ amount: 20 EUR }`
    RecordLiteral
}

impl<'t> RecordLiteral<'t> {
    /// The fields.
    pub fn fields(self) -> impl Iterator<Item = FieldValue<'t>> {
        children(self.0)
    }
}
