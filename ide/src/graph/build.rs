//! From a journey's tree to its graph.

use journey_grammar::TextRange;
use journey_grammar::ast::{self, AnyJourney, AstNode, Body, Step};

use super::words::{all, capital, head, up_to_brace, word};
use super::{Edge, Graph, Node, Shape};

impl Graph {
    /// The graph of a journey; `name` is that of a journey without a name of its own.
    pub fn of(journey: AnyJourney<'_>, name: &str) -> Self {
        let name = journey.name().map_or_else(|| name.to_owned(), |name| name.text().to_owned());
        let mut builder = Builder { graph: Self { name, docs: journey.docs(), ..Self::default() }, open: Vec::new() };
        let start = builder.start(journey);
        builder.steps(journey.steps());
        builder.close(start);
        builder.graph
    }
}

/// A way that does not lead anywhere yet.
struct Open {
    from: usize,
    label: String,
}

struct Builder {
    graph: Graph,
    /// Where the next step is reached from.
    open: Vec<Open>,
}

impl Builder {
    fn start(&mut self, journey: AnyJourney<'_>) -> TextRange {
        let mut text = Vec::new();
        let mut range = journey.range();
        for clause in journey.clauses() {
            let node = clause.syntax();
            match clause {
                ast::Clause::Trigger(_) | ast::Clause::Where(_) | ast::Clause::Per(_) | ast::Clause::Collect(_) => {
                    text.push(head(node));
                }
                ast::Clause::Exit(_) => text.push(format!("({})", head(node))),
                _ => {}
            }
            range.end = node.range().end;
        }
        let text = if text.is_empty() { "start".to_owned() } else { text.join(", ") };
        self.node(Shape::Start, &text, range);
        journey.range()
    }

    /// Gives what is still open its end.
    fn close(&mut self, journey: TextRange) {
        if !self.open.is_empty() {
            self.node(Shape::End, "end", TextRange { start: journey.end, end: journey.end });
            self.open.clear();
        }
    }

    fn steps<'t>(&mut self, steps: impl Iterator<Item = Step<'t>>) {
        for step in steps {
            if self.open.is_empty() {
                // Nothing leads here; the checker says so.
                return;
            }
            self.step(step);
        }
    }

    fn step(&mut self, step: Step<'_>) {
        let node = step.syntax();
        match step {
            Step::Send(_) => drop(self.node(Shape::Message, &head(node), step.range())),
            Step::Wait(_) => drop(self.node(Shape::Wait, &head(node), step.range())),
            Step::WaitUntil(wait) => self.wait(step, "then", wait.otherwise()),
            Step::WaitFor(wait) => self.wait(step, "it happens", wait.otherwise()),
            Step::Race(race) => {
                let from = self.node(Shape::Decision, "whichever comes first", step.range());
                let arms = race.arms().map(|arm| (head(arm.syntax()), arm.block()));
                let timeouts = race.timeouts().map(|arm| (head(arm.syntax()), arm.block()));
                let arms: Vec<_> = arms.chain(timeouts).map(|(label, block)| (label, block.map(Body::Block))).collect();
                self.fork(from, arms);
            }
            Step::Countdown(countdown) => self.countdown(countdown),
            Step::If(condition) => {
                let question = condition.condition().map_or_else(String::new, |c| all(c.syntax()));
                let from = self.node(Shape::Decision, &format!("{question}?"), step.range());
                self.fork(from, vec![("yes".into(), condition.then()), ("no".into(), condition.otherwise())]);
            }
            Step::Choose(choose) => {
                let value = choose.value().map_or_else(String::new, |value| all(value.syntax()));
                let from = self.node(Shape::Decision, &format!("{value}?"), step.range());
                let mut arms: Vec<_> =
                    choose.arms().map(|arm| (head(arm.syntax()), arm.block().map(Body::Block))).collect();
                arms.push(("else".into(), choose.otherwise()));
                self.fork(from, arms);
            }
            Step::Split(split) => {
                let name = split.name().map_or("split", ast::Name::text);
                let from = self.node(Shape::Decision, &format!("split {name}"), step.range());
                let arms = split.arms().map(|arm| (head(arm.syntax()), arm.block().map(Body::Block)));
                self.fork(from, arms.collect());
            }
            Step::Repeat(repeat) => self.repeat(repeat),
            Step::Ask(ask) => {
                let from = self.node(Shape::Decision, &up_to_brace(node), step.range());
                let mut arms: Vec<_> =
                    ask.arms().map(|arm| (head(arm.syntax()), arm.block().map(Body::Block))).collect();
                arms.push(("no answer".into(), ask.otherwise()));
                self.fork(from, arms);
            }
            Step::Call(call) => {
                let from = self.node(Shape::Action, &head(node), step.range());
                if let Some(otherwise) = call.otherwise() {
                    self.fork(from, vec![("answered".into(), None), ("failed".into(), Some(otherwise))]);
                }
            }
            Step::End(_) => {
                self.node(Shape::End, "end", step.range());
                self.open.clear();
            }
            Step::Label(_) => {}
            _ => drop(self.node(Shape::Action, &head(node), step.range())),
        }
    }

    fn wait(&mut self, step: Step<'_>, done: &str, otherwise: Option<Body<'_>>) {
        let from = self.node(Shape::Wait, &head(step.syntax()), step.range());
        if let Some(otherwise) = otherwise {
            self.fork(from, vec![(done.into(), None), ("else".into(), Some(otherwise))]);
        }
    }

    fn countdown(&mut self, countdown: ast::CountdownStep<'_>) {
        let date = countdown.date().map_or_else(String::new, |date| all(date.syntax()));
        for point in countdown.points() {
            let when = match point.offset() {
                Some(offset) => {
                    format!("{} {} {date}", word(offset), if point.is_before() { "before" } else { "after" })
                }
                None => format!("on the day of {date}"),
            };
            self.node(Shape::Wait, &format!("wait until {when}"), point.range());
            self.steps(point.body().into_iter().flat_map(Body::steps));
        }
    }

    fn repeat(&mut self, repeat: ast::RepeatStep<'_>) {
        let from = self.node(Shape::Decision, &head(repeat.syntax()), repeat.range());
        self.steps(repeat.block().into_iter().flat_map(ast::Block::steps));
        for open in std::mem::take(&mut self.open) {
            if open.from != from {
                self.graph.edges.push(Edge { from: open.from, to: from, label: open.label, back: true });
            }
        }
        self.open = vec![Open { from, label: "done".into() }];
    }

    /// Several ways on from a node; one without steps goes on at once.
    fn fork(&mut self, from: usize, arms: Vec<(String, Option<Body<'_>>)>) {
        let mut ends = Vec::new();
        for (label, body) in arms {
            self.open = vec![Open { from, label }];
            if let Some(body) = body {
                self.steps(body.steps());
            }
            ends.append(&mut self.open);
        }
        self.open = ends;
    }

    /// Adds a node, and the ways that lead to it; it is where the next one is reached from.
    fn node(&mut self, shape: Shape, text: &str, range: TextRange) -> usize {
        let to = self.graph.nodes.len();
        self.graph.nodes.push(Node { shape, text: capital(text), range });
        let open = std::mem::take(&mut self.open);
        self.graph.edges.extend(open.into_iter().map(|Open { from, label }| Edge { from, to, label, back: false }));
        self.open = vec![Open { from: to, label: String::new() }];
        to
    }
}
