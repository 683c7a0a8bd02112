#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| agentsecrets_fuzz::secret_policy(data));
