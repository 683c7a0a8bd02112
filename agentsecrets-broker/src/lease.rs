use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    handle::{Handle, Narrow},
    name::SecretName,
    secret_policy::{Method, PathPattern},
};

/// What a lease shall be good for; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Who uses it: the name that its records bear.
    pub agent: String,
    /// Only these secrets.
    pub names: Option<Vec<SecretName>>,
    /// Only these methods.
    pub methods: Option<Vec<Method>>,
    /// Only these paths.
    pub paths: Option<Vec<PathPattern>>,
    /// Only for so long.
    pub ttl: Option<Duration>,
    /// Only so many uses, of all secrets together.
    pub uses: Option<u64>,
}

/// What one agent may do: never more than policies allow, and than the lease it comes from.
#[derive(Debug)]
pub struct Lease {
    agent: String,
    handles: BTreeMap<SecretName, Handle>,
    parent: Option<Arc<Lease>>,
    until: Option<u64>,
    left: Option<AtomicU64>,
    for_requests: bool,
}

impl Lease {
    /// A lease of these secrets.
    ///
    /// # Errors
    /// `unknown_secret` for a name that is not among them; `lease_wider` where the policy of none allows
    /// the methods or paths; `invalid_argument`.
    pub fn new(handles: BTreeMap<SecretName, Handle>, terms: &Terms, now: u64) -> Result<Self> {
        let whole = Self {
            agent: terms.agent.clone(),
            handles,
            parent: None,
            until: None,
            left: None,
            for_requests: false,
        };
        Self::within(&Arc::new(whole), terms, now)
    }

    /// A narrower lease, for an agent's own helpers. Its uses count against this one too.
    ///
    /// # Errors
    /// Those of [`new`](Self::new); `lease_wider` for more time or uses; `lease_over`.
    pub fn within(parent: &Arc<Self>, terms: &Terms, now: u64) -> Result<Self> {
        parent.check_time(now)?;
        if parent.left() == Some(0) {
            return Err(over("its uses are spent"));
        }
        let handles = parent.chosen(terms, now)?;
        let ttl = terms.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let until = ttl.map(|ttl| now.saturating_add(ttl));
        if until.zip(parent.until()).is_some_and(|(until, end)| until > end) {
            return Err(wider("more time"));
        }
        if terms.uses.zip(parent.left()).is_some_and(|(uses, left)| uses > left) {
            return Err(wider("more uses"));
        }
        if terms.uses == Some(0) || terms.agent.is_empty() || terms.agent.len() > 128 {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "a lease has an agent's name of up to 128 bytes, and at least one use",
            ));
        }
        Ok(Self {
            agent: terms.agent.clone(),
            handles,
            until,
            left: terms.uses.map(AtomicU64::new),
            for_requests: parent.for_requests || terms.methods.is_some() || terms.paths.is_some(),
            parent: Some(Arc::clone(parent)),
        })
    }

    /// The handles that fit the terms. Secrets that can be used at none of the paths are left out.
    fn chosen(&self, terms: &Terms, now: u64) -> Result<BTreeMap<SecretName, Handle>> {
        if let Some(names) = &terms.names {
            names.iter().try_for_each(|name| self.handle(name).map(drop))?;
        }
        let named = |name: &SecretName| terms.names.as_ref().is_none_or(|n| n.contains(name));
        let (methods, paths) = (terms.methods.clone(), terms.paths.clone());
        let narrow = Narrow { methods, paths, ttl: terms.ttl, uses: None };
        if narrow == Narrow::default() {
            let all = self.handles.iter().filter(|(name, _)| named(name));
            return Ok(all.map(|(name, handle)| (name.clone(), handle.clone())).collect());
        }
        let (mut handles, mut refused) = (BTreeMap::new(), None);
        for (name, handle) in self.handles.iter().filter(|(name, _)| named(name)) {
            match handle.attenuate(&narrow, now) {
                Ok(narrower) => drop(handles.insert(name.clone(), narrower)),
                Err(error) if error.code() == ErrorCode::LeaseWider => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        match (handles.is_empty(), refused) {
            (true, Some(error)) => Err(error),
            _ => Ok(handles),
        }
    }

    /// Who uses it.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Names of its secrets.
    pub fn names(&self) -> impl Iterator<Item = &SecretName> {
        self.handles.keys()
    }

    /// When it ends, in milliseconds since 1970.
    pub fn until(&self) -> Option<u64> {
        self.chain().filter_map(|lease| lease.until).min()
    }

    /// Uses that are left.
    pub fn left(&self) -> Option<u64> {
        let counters = self.chain().filter_map(|lease| lease.left.as_ref());
        counters.map(|left| left.load(Ordering::Acquire)).min()
    }

    /// Whether it was narrowed to methods or paths, of which commands have none.
    pub fn is_for_requests(&self) -> bool {
        self.for_requests
    }

    /// The handle of a secret.
    ///
    /// # Errors
    /// `unknown_secret`: it is not there, or not in this lease, which sounds alike.
    pub fn handle(&self, name: &SecretName) -> Result<&Handle> {
        self.handles.get(name).ok_or_else(|| {
            Error::new(ErrorCode::UnknownSecret, format!("the lease holds no secret {name}"))
        })
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |lease| lease.parent.as_deref())
    }

    fn check_time(&self, now: u64) -> Result<()> {
        match self.until().is_some_and(|until| now >= until) {
            true => Err(over("its time is over")),
            false => Ok(()),
        }
    }

    /// Takes one use of this lease and of each that it comes from, or of none.
    ///
    /// # Errors
    /// `lease_over`.
    pub fn spend(&self, now: u64) -> Result<()> {
        self.check_time(now)?;
        let counters: Vec<_> = self.chain().filter_map(|lease| lease.left.as_ref()).collect();
        for (taken, counter) in counters.iter().enumerate() {
            let less = |left: u64| left.checked_sub(1);
            if counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_err() {
                counters[..taken].iter().for_each(|counter| {
                    counter.fetch_add(1, Ordering::AcqRel);
                });
                return Err(over("its uses are spent"));
            }
        }
        Ok(())
    }
}

fn over(why: &'static str) -> Error {
    Error::new(ErrorCode::LeaseOver, format!("the lease ends here: {why}"))
}

fn wider(what: &str) -> Error {
    Error::new(ErrorCode::LeaseWider, format!("the narrower lease would allow {what}"))
}
