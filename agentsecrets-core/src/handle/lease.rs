//! How long, how often and for what a handle is good; a narrower one hangs on the one it comes from.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    error::{Error, ErrorCode, Result},
    secret_policy::{Method, PathPattern, Rule},
    weakened,
};

/// In which respects a handle shall allow less; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Only these methods.
    pub methods: Option<Vec<Method>>,
    /// Only these paths.
    pub paths: Option<Vec<PathPattern>>,
    /// Only for so long from now.
    pub ttl: Option<Duration>,
    /// Only so many uses.
    pub uses: Option<u64>,
}

impl Narrow {
    fn check(&self) -> Result<()> {
        let Self { methods, paths, ttl, uses } = self;
        let nothing = methods.as_ref().is_some_and(Vec::is_empty)
            || paths.as_ref().is_some_and(Vec::is_empty)
            || ttl.is_some_and(|ttl| ttl.is_zero())
            || *uses == Some(0);
        let why = "a lease allows something, for some time and at least once";
        if nothing { Err(Error::new(ErrorCode::InvalidArgument, why)) } else { Ok(()) }
    }
}

/// A limit on a handle, within those of the handles before it.
#[derive(Debug)]
pub(super) struct Lease {
    parent: Option<Arc<Lease>>,
    methods: Option<Vec<Method>>,
    paths: Option<Vec<PathPattern>>,
    until: Option<u64>,
    left: Option<AtomicU64>,
}

impl Lease {
    /// Everything that the policy allows, for ever.
    pub(super) fn whole() -> Self {
        Self { parent: None, methods: None, paths: None, until: None, left: None }
    }

    /// A narrower one.
    pub(super) fn within(
        parent: &Arc<Self>,
        rules: &[Rule],
        narrow: &Narrow,
        now: u64,
    ) -> Result<Self> {
        parent.in_time(now)?;
        narrow.check()?;
        let millis = |ttl: Duration| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = narrow.ttl.map(|ttl| now.saturating_add(millis(ttl)));
        if !weakened::skips(51) {
            parent.allows(rules, narrow, until)?;
        }
        let Narrow { methods, paths, ttl: _, uses } = narrow.clone();
        let left = uses.map(AtomicU64::new);
        Ok(Self { parent: Some(Arc::clone(parent)), methods, paths, until, left })
    }

    /// Whether nothing of it is more than this lease allows.
    fn allows(&self, rules: &[Rule], narrow: &Narrow, until: Option<u64>) -> Result<()> {
        let Narrow { methods, paths, ttl: _, uses } = narrow;
        if methods.iter().flatten().any(|method| !self.has_method(rules, *method)) {
            return Err(wider("a method"));
        }
        if paths.iter().flatten().any(|path| !self.has_path(rules, path)) {
            return Err(wider("a path"));
        }
        if until.zip(self.until()).is_some_and(|(until, end)| until > end) {
            return Err(wider("more time"));
        }
        match uses.zip(self.left()) {
            Some((_, 0)) => Err(over("its uses are spent")),
            Some((uses, left)) if uses > left => Err(wider("more uses")),
            _ => Ok(()),
        }
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |lease| lease.parent.as_deref())
    }

    fn has_method(&self, rules: &[Rule], method: Method) -> bool {
        let of_rules = rules.iter().any(|rule| rule.methods.contains(&method));
        of_rules
            && self
                .chain()
                .filter_map(|lease| lease.methods.as_ref())
                .all(|methods| methods.contains(&method))
    }

    fn has_path(&self, rules: &[Rule], path: &PathPattern) -> bool {
        let of_rules = rules.iter().flat_map(|rule| &rule.paths).any(|wide| wide.covers(path));
        let mut named = self.chain().filter_map(|lease| lease.paths.as_ref());
        of_rules && named.all(|paths| paths.iter().any(|wide| wide.covers(path)))
    }

    /// Whether it was narrowed to methods or paths, which signing has none of.
    pub(super) fn is_for_requests(&self) -> bool {
        self.chain().any(|lease| lease.methods.is_some() || lease.paths.is_some())
    }

    /// The earliest end of all.
    pub(super) fn until(&self) -> Option<u64> {
        self.chain().filter_map(|lease| lease.until).min()
    }

    /// The smallest budget of all.
    pub(super) fn left(&self) -> Option<u64> {
        self.chain()
            .filter_map(|lease| lease.left.as_ref())
            .map(|left| left.load(Ordering::Acquire))
            .min()
    }

    /// Whether a request is within every lease of the chain.
    pub(super) fn permit(&self, method: Method, path: &str) -> Result<()> {
        let outside = |what| {
            Err(Error::new(
                ErrorCode::UseForbidden,
                format!("the handle was narrowed to other {what}"),
            ))
        };
        for lease in self.chain() {
            if lease.methods.as_ref().is_some_and(|methods| !methods.contains(&method)) {
                return outside("methods");
            }
            if lease
                .paths
                .as_ref()
                .is_some_and(|paths| !paths.iter().any(|pattern| pattern.matches(path)))
            {
                return outside("paths");
            }
        }
        Ok(())
    }

    /// One use of every lease of the chain, or of none.
    pub(super) fn spend(&self, now: u64) -> Result<()> {
        self.in_time(now)?;
        let counters: Vec<&AtomicU64> =
            self.chain().filter_map(|lease| lease.left.as_ref()).collect();
        for (taken, counter) in counters.iter().enumerate() {
            let less = counter
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            if less.is_err() {
                counters[..taken].iter().for_each(|counter| {
                    counter.fetch_add(1, Ordering::AcqRel);
                });
                return Err(over("its uses are spent"));
            }
        }
        Ok(())
    }

    fn in_time(&self, now: u64) -> Result<()> {
        match self.until().is_some_and(|until| now >= until) {
            true => Err(over("its time is over")),
            false => Ok(()),
        }
    }
}

fn wider(what: &str) -> Error {
    Error::new(
        ErrorCode::LeaseWider,
        format!("the narrower handle would allow {what} that the first does not"),
    )
}

fn over(why: &'static str) -> Error {
    Error::new(ErrorCode::LeaseOver, format!("the handle ends here: {why}"))
}
