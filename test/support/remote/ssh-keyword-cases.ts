/**
 * One line, or a few, for each keyword of ssh_config(5), chosen so that the keyword decides what happens where that can
 * be had on one machine: another user, key, address or known_hosts file.
 *
 * `{F}` is the folder of the private sshd, `{P}` its port.
 */
export interface KeywordCase {
  readonly keyword: string;
  /** Before everything else in the configuration, so that they count. */
  readonly lines: readonly string[];
  /** Where ssh2 has to be shown with others, because it reads no certificates. */
  readonly ssh2Lines?: readonly string[];
  /** The code of our error, where the host is not to be reached. Plain ssh fails as well, unless it is `ours`. */
  readonly fails?: string;
  /** Files that must not be there afterwards. */
  readonly leavesOut?: string;
  /** The key agent with one key that works and six that do not. */
  readonly agent?: true;
}

const NOBODY_KNOWN = 'UserKnownHostsFile /dev/null';

export const KEYWORD_CASES: readonly KeywordCase[] = [
  { keyword: 'Host', lines: ['Host b?x', 'User bob', 'Host *'] },
  { keyword: 'Match', lines: ['Match exec "test %n = box"', 'User bob', 'Match all'] },
  { keyword: 'AddKeysToAgent', lines: ['AddKeysToAgent ask'] },
  { keyword: 'AddressFamily', lines: ['AddressFamily inet'] },
  { keyword: 'BatchMode', lines: ['BatchMode yes'] },
  { keyword: 'BindAddress', lines: ['BindAddress 127.0.0.3'] },
  { keyword: 'BindInterface', lines: ['BindInterface lo'] },
  { keyword: 'CanonicalDomains', lines: ['CanonicalDomains nowhere.invalid'] },
  { keyword: 'CanonicalizeFallbackLocal', lines: ['CanonicalizeFallbackLocal no'] },
  { keyword: 'CanonicalizeHostname', lines: ['CanonicalizeHostname always'] },
  { keyword: 'CanonicalizeMaxDots', lines: ['CanonicalizeMaxDots 0'] },
  { keyword: 'CanonicalizePermittedCNAMEs', lines: ['CanonicalizePermittedCNAMEs *:*'] },
  {
    keyword: 'CASignatureAlgorithms',
    lines: ['UserKnownHostsFile {F}/known_ca', 'CASignatureAlgorithms rsa-sha2-512'],
    ssh2Lines: ['CASignatureAlgorithms rsa-sha2-512'],
    fails: 'ssh.host-key-unknown',
  },
  { keyword: 'CertificateFile', lines: ['IdentityFile {F}/certified', 'CertificateFile {F}/elsewhere-cert.pub'] },
  { keyword: 'CheckHostIP', lines: ['CheckHostIP yes'] },
  { keyword: 'Ciphers', lines: ['Ciphers aes256-ctr'] },
  { keyword: 'ClearAllForwardings', lines: ['ClearAllForwardings no'] },
  { keyword: 'Compression', lines: ['Compression yes'] },
  { keyword: 'ConnectionAttempts', lines: ['ConnectionAttempts 2'] },
  { keyword: 'ConnectTimeout', lines: ['ConnectTimeout 7'] },
  { keyword: 'ControlMaster', lines: ['ControlMaster auto', 'ControlPath {F}/cm1'], leavesOut: '{F}/cm1' },
  { keyword: 'ControlPath', lines: ['ControlPath {F}/cm2-%C'] },
  {
    keyword: 'ControlPersist',
    lines: ['ControlPersist 5', 'ControlMaster auto', 'ControlPath {F}/cm3'],
    leavesOut: '{F}/cm3',
  },
  { keyword: 'DynamicForward', lines: ['DynamicForward 127.0.0.1:1'] },
  { keyword: 'EnableEscapeCommandline', lines: ['EnableEscapeCommandline yes'] },
  { keyword: 'EnableSSHKeysign', lines: ['EnableSSHKeysign yes'] },
  { keyword: 'EscapeChar', lines: ['EscapeChar x'] },
  {
    keyword: 'ExitOnForwardFailure',
    lines: ['ExitOnForwardFailure yes', 'LocalForward /proc/nowhere 127.0.0.1:1'],
  },
  { keyword: 'FingerprintHash', lines: ['FingerprintHash md5'] },
  { keyword: 'ForkAfterAuthentication', lines: ['ForkAfterAuthentication yes'] },
  { keyword: 'ForwardAgent', lines: ['ForwardAgent yes'] },
  { keyword: 'ForwardX11', lines: ['ForwardX11 yes'] },
  { keyword: 'ForwardX11Timeout', lines: ['ForwardX11Timeout 5'] },
  { keyword: 'ForwardX11Trusted', lines: ['ForwardX11Trusted yes'] },
  { keyword: 'GatewayPorts', lines: ['GatewayPorts yes'] },
  { keyword: 'GlobalKnownHostsFile', lines: [NOBODY_KNOWN, 'GlobalKnownHostsFile {F}/known_hosts'] },
  { keyword: 'GSSAPIAuthentication', lines: ['GSSAPIAuthentication yes'] },
  { keyword: 'GSSAPIClientIdentity', lines: ['GSSAPIClientIdentity ann@EXAMPLE'] },
  { keyword: 'GSSAPIDelegateCredentials', lines: ['GSSAPIDelegateCredentials yes'] },
  { keyword: 'GSSAPIKeyExchange', lines: ['GSSAPIKeyExchange yes'] },
  { keyword: 'GSSAPIRenewalForcesRekey', lines: ['GSSAPIRenewalForcesRekey yes'] },
  { keyword: 'GSSAPIServerIdentity', lines: ['GSSAPIServerIdentity box.example'] },
  { keyword: 'GSSAPITrustDns', lines: ['GSSAPITrustDns yes'] },
  { keyword: 'GSSAPIKexAlgorithms', lines: ['GSSAPIKexAlgorithms gss-group14-sha256-'] },
  { keyword: 'HashKnownHosts', lines: ['HashKnownHosts yes'] },
  { keyword: 'HostbasedAcceptedAlgorithms', lines: ['HostbasedAcceptedAlgorithms ssh-ed25519'] },
  { keyword: 'HostbasedAuthentication', lines: ['HostbasedAuthentication yes'] },
  // Of its keys one is known wrongly, so that the other one has to be asked for.
  {
    keyword: 'HostKeyAlgorithms',
    lines: ['HostKeyAlgorithms rsa-sha2-512', 'UserKnownHostsFile {F}/known_rsa'],
  },
  { keyword: 'HostKeyAlias', lines: ['HostKeyAlias the-alias', 'UserKnownHostsFile {F}/known_alias'] },
  { keyword: 'Hostname', lines: ['Hostname localhost'] },
  {
    keyword: 'IdentitiesOnly',
    lines: ['IdentitiesOnly yes', 'IdentityAgent {F}/agent', 'IdentityFile {F}/other_key'],
    agent: true,
  },
  { keyword: 'IdentityAgent', lines: ['IdentityAgent {F}/agent', 'IdentityFile {F}/held.pub'], agent: true },
  { keyword: 'IdentityFile', lines: ['IdentityFile {F}/%r_key'] },
  { keyword: 'IgnoreUnknown', lines: ['IgnoreUnknown NoSuch*', 'NoSuchKeyword yes', 'User bob'] },
  { keyword: 'Include', lines: ['Include {F}/included'] },
  { keyword: 'IPQoS', lines: ['IPQoS cs1'] },
  { keyword: 'KbdInteractiveAuthentication', lines: ['KbdInteractiveAuthentication no'] },
  { keyword: 'KbdInteractiveDevices', lines: ['KbdInteractiveDevices pam'] },
  { keyword: 'KexAlgorithms', lines: ['KexAlgorithms ecdh-sha2-nistp384'] },
  { keyword: 'KnownHostsCommand', lines: [NOBODY_KNOWN, 'KnownHostsCommand /bin/cat {F}/known_hosts'] },
  {
    keyword: 'LocalCommand',
    lines: ['PermitLocalCommand yes', 'LocalCommand /usr/bin/touch {F}/ran1'],
    leavesOut: '{F}/ran1',
  },
  { keyword: 'LocalForward', lines: ['LocalForward {F}/forwarded 127.0.0.1:1'], leavesOut: '{F}/forwarded' },
  { keyword: 'LogLevel', lines: ['LogLevel QUIET'] },
  { keyword: 'LogVerbose', lines: ['LogVerbose kex.c:*:1000'] },
  { keyword: 'MACs', lines: ['Ciphers aes128-ctr', 'MACs hmac-sha2-512'] },
  {
    keyword: 'NoHostAuthenticationForLocalhost',
    lines: [NOBODY_KNOWN, 'NoHostAuthenticationForLocalhost yes'],
    fails: 'ssh.host-key-unknown',
  },
  { keyword: 'NumberOfPasswordPrompts', lines: ['NumberOfPasswordPrompts 1'] },
  { keyword: 'PasswordAuthentication', lines: ['PasswordAuthentication no'] },
  {
    keyword: 'PermitLocalCommand',
    lines: ['LocalCommand /usr/bin/touch {F}/ran2', 'PermitLocalCommand yes'],
    leavesOut: '{F}/ran2',
  },
  { keyword: 'PermitRemoteOpen', lines: ['PermitRemoteOpen none'] },
  { keyword: 'PKCS11Provider', lines: ['PKCS11Provider /nowhere/pkcs11.so'] },
  { keyword: 'Port', lines: ['Port {P}'] },
  {
    keyword: 'PreferredAuthentications',
    lines: ['PreferredAuthentications keyboard-interactive'],
    fails: 'ssh.auth-failed',
  },
  { keyword: 'ProxyCommand', lines: ['ProxyCommand nc %h %p'] },
  { keyword: 'ProxyJump', lines: ['Host box', 'ProxyJump bob@gate', 'Host *'] },
  { keyword: 'ProxyUseFdpass', lines: ['ProxyUseFdpass yes', 'ProxyCommand python3 {F}/pass-socket.py %h %p'] },
  {
    keyword: 'PubkeyAcceptedAlgorithms',
    lines: ['PubkeyAcceptedAlgorithms rsa-sha2-512', 'IdentityFile {F}/client_key', 'IdentityFile {F}/rsa_key'],
  },
  { keyword: 'PubkeyAuthentication', lines: ['PubkeyAuthentication no'], fails: 'ssh.auth-failed' },
  { keyword: 'RekeyLimit', lines: ['RekeyLimit 1M'] },
  { keyword: 'RemoteCommand', lines: ['RemoteCommand /bin/false'] },
  { keyword: 'RemoteForward', lines: ['RemoteForward 127.0.0.1:0 127.0.0.1:1'] },
  { keyword: 'RequestTTY', lines: ['RequestTTY force'] },
  {
    keyword: 'RequiredRSASize',
    lines: ['RequiredRSASize 4096', 'IdentityFile {F}/rsa_key', 'PubkeyAcceptedAlgorithms rsa-sha2-512'],
    fails: 'ssh.auth-failed',
  },
  { keyword: 'RevokedHostKeys', lines: ['RevokedHostKeys {F}/revoked'], fails: 'ssh.host-key-revoked' },
  { keyword: 'SecurityKeyProvider', lines: ['SecurityKeyProvider /nowhere/sk.so'] },
  { keyword: 'SendEnv', lines: ['SendEnv LC_* LANG'] },
  { keyword: 'ServerAliveCountMax', lines: ['ServerAliveCountMax 2'] },
  { keyword: 'ServerAliveInterval', lines: ['ServerAliveInterval 30'] },
  { keyword: 'SessionType', lines: ['SessionType subsystem'] },
  { keyword: 'SetEnv', lines: ['SetEnv LC_ALL=C'] },
  { keyword: 'StdinNull', lines: ['StdinNull yes'] },
  { keyword: 'StreamLocalBindMask', lines: ['StreamLocalBindMask 0777'] },
  { keyword: 'StreamLocalBindUnlink', lines: ['StreamLocalBindUnlink yes'] },
  {
    keyword: 'StrictHostKeyChecking',
    lines: [NOBODY_KNOWN, 'StrictHostKeyChecking no'],
    fails: 'ssh.host-key-unknown',
  },
  { keyword: 'SyslogFacility', lines: ['SyslogFacility LOCAL1'] },
  { keyword: 'TCPKeepAlive', lines: ['TCPKeepAlive no'] },
  { keyword: 'Tunnel', lines: ['Tunnel yes'] },
  { keyword: 'TunnelDevice', lines: ['TunnelDevice 7:7'] },
  { keyword: 'UpdateHostKeys', lines: ['UpdateHostKeys ask'] },
  { keyword: 'User', lines: ['User bob'] },
  { keyword: 'UserKnownHostsFile', lines: [NOBODY_KNOWN], fails: 'ssh.host-key-unknown' },
  { keyword: 'VerifyHostKeyDNS', lines: ['VerifyHostKeyDNS yes'] },
  { keyword: 'VisualHostKey', lines: ['VisualHostKey yes'] },
  { keyword: 'XAuthLocation', lines: ['XAuthLocation /bin/false'] },
];
