//! Texts from the grammar itself: a walk through its rules that chooses at random.

use super::random::Random;
use journey_grammar::KEYWORDS;
use pest_meta::ast::{Expr, Rule, RuleType};
use pest_meta::parser::{self, Rule as MetaRule, consume_rules};
use std::collections::BTreeMap;

/// How many rules deep a walk goes before it takes the shortest way out.
const DEPTH: usize = 14;
/// How many tokens a text gets before the walk takes the shortest way out.
const TOKENS: usize = 60;

pub(crate) struct Generator {
    rules: BTreeMap<String, Rule>,
    /// The least depth that a rule needs.
    depths: BTreeMap<String, usize>,
}

struct Walk<'r> {
    random: &'r mut Random,
    out: String,
    tokens: usize,
}

impl Generator {
    pub(crate) fn new() -> Self {
        let source = include_str!("../../journey.pest");
        let pairs = parser::parse(MetaRule::grammar_rules, source).unwrap();
        let rules: BTreeMap<String, Rule> =
            consume_rules(pairs).unwrap().into_iter().map(|rule| (rule.name.clone(), rule)).collect();
        let mut generator = Self { rules, depths: BTreeMap::new() };
        generator.measure();
        generator
    }

    /// Least depths, by iterating until nothing changes.
    fn measure(&mut self) {
        loop {
            let mut changed = false;
            for (name, rule) in &self.rules {
                let depth = self.least(&rule.expr).saturating_add(1);
                if depth < self.depths.get(name).copied().unwrap_or(usize::MAX) {
                    self.depths.insert(name.clone(), depth);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn least(&self, expr: &Expr) -> usize {
        match expr {
            Expr::Ident(name) if self.rules.contains_key(name) => self.depths.get(name).copied().unwrap_or(usize::MAX),
            Expr::Seq(left, right) => self.least(left).max(self.least(right)),
            Expr::Choice(left, right) => self.least(left).min(self.least(right)),
            Expr::RepOnce(inner) | Expr::RepExact(inner, _) | Expr::RepMinMax(inner, _, _) => self.least(inner),
            _ => 0,
        }
    }

    pub(crate) fn file(&self, random: &mut Random) -> String {
        let mut walk = Walk { random, out: String::new(), tokens: 0 };
        self.rule("file", 0, false, &mut walk);
        walk.out
    }

    fn rule(&self, name: &str, depth: usize, atomic: bool, walk: &mut Walk<'_>) {
        if let Some(text) = token(name, walk.random) {
            walk.put(&text, atomic);
            return;
        }
        let Some(rule) = self.rules.get(name) else {
            return;
        };
        let inner = rule.ty == RuleType::Atomic || rule.ty == RuleType::CompoundAtomic;
        if inner && !atomic {
            walk.separate();
        }
        self.expr(&rule.expr, depth + 1, atomic || inner, walk);
    }

    fn expr(&self, expr: &Expr, depth: usize, atomic: bool, walk: &mut Walk<'_>) {
        let tired = depth > DEPTH || walk.tokens > TOKENS;
        match expr {
            Expr::Str(text) => walk.put(text, atomic),
            Expr::Ident(name) => self.rule(name, depth, atomic, walk),
            Expr::Seq(left, right) => {
                self.expr(left, depth, atomic, walk);
                self.expr(right, depth, atomic, walk);
            }
            Expr::Choice(..) => {
                let mut options = Vec::new();
                flatten(expr, &mut options);
                if tired {
                    let least = options.iter().map(|option| self.least(option)).min().unwrap_or(0);
                    options.retain(|option| self.least(option) == least);
                }
                let option = *walk.random.pick(&options);
                self.expr(option, depth, atomic, walk);
            }
            Expr::Opt(inner) if !tired && walk.random.one_in(2) => self.expr(inner, depth, atomic, walk),
            Expr::Rep(inner) => self.repeat(inner, 0, depth, atomic, walk),
            Expr::RepOnce(inner) => self.repeat(inner, 1, depth, atomic, walk),
            Expr::RepExact(inner, count) => (0..*count).for_each(|_| self.expr(inner, depth, atomic, walk)),
            Expr::RepMinMax(inner, least, _) => (0..*least).for_each(|_| self.expr(inner, depth, atomic, walk)),
            // What must or must not follow is left to chance.
            _ => {}
        }
    }

    fn repeat(&self, inner: &Expr, least: usize, depth: usize, atomic: bool, walk: &mut Walk<'_>) {
        let mut count = 0;
        while count < least || depth <= DEPTH && walk.tokens <= TOKENS && count < 6 && !walk.random.one_in(2) {
            self.expr(inner, depth, atomic, walk);
            count += 1;
        }
    }
}

fn flatten<'e>(expr: &'e Expr, options: &mut Vec<&'e Expr>) {
    if let Expr::Choice(left, right) = expr {
        flatten(left, options);
        flatten(right, options);
    } else {
        options.push(expr);
    }
}

impl Walk<'_> {
    fn put(&mut self, text: &str, atomic: bool) {
        if !atomic {
            self.separate();
        }
        self.out.push_str(text);
    }

    /// What stands between two tokens; sometimes nothing, which may join them.
    fn separate(&mut self) {
        self.tokens += 1;
        if self.out.is_empty() {
            return;
        }
        self.out.push_str(match self.random.below(40) {
            0 => "",
            1 => "\n// remark\n",
            2 => "  /// doc\r\n",
            3..=6 => "\n",
            7 => "\t\u{a0}",
            _ => " ",
        });
    }
}

/// Tokens whose letters are not worth a walk.
fn token(rule: &str, random: &mut Random) -> Option<String> {
    const NAMES: &[&str] = &["x", "plan", "story", "email", "Größe", "_a1", "DE", "EUR", "naïve_2", "sedn"];
    const STRINGS: &[&str] = &["\"\"", "\"text\"", "\"a \\\"b\\\" \\\\ \\n \\{\"", "\"{{ name }} // é\""];
    let pick = |random: &mut Random, from: &[&str]| (*random.pick(from)).to_owned();
    Some(match rule {
        // Now and then a word that may not be a name here.
        "word" | "unreserved" if random.one_in(8) => random.pick(KEYWORDS).0.to_owned(),
        "word" | "unreserved" => pick(random, NAMES),
        "string" => pick(random, STRINGS),
        "number" => pick(random, &["0", "1", "12", "1.5", "007"]),
        "percent" => pick(random, &["5%", "45%", "12.5%"]),
        "duration" => pick(random, &["30s", "15m", "2h", "2d", "3w", "1mo", "1y", "1d12h", "1m1mo"]),
        "time" => pick(random, &["09:00", "9:30", "23:59"]),
        "date" => pick(random, &["2026-03-01", "2024-02-29"]),
        "currency" => pick(random, &["EUR", "USD"]),
        "SOI" | "EOI" => String::new(),
        _ => return None,
    })
}
