import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  byteLength,
  cIdentifierErrors,
  configMapKeyErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  domainPrefixedPathErrors,
  envVarNameErrors,
  httpHeaderErrors,
  labelValueErrors,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  pathSegmentErrors,
  percentErrors,
  portNameErrors,
  qualifiedNameErrors,
  relaxedEnvVarNameErrors,
  type TextErrors,
  wildcardSubdomainErrors,
} from './names.ts'

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const MIXED =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const NAME = `name part ${MIXED}`
const VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

test('what is wrong with a text', () => {
  const table: [(value: string) => TextErrors, Record<string, TextErrors>][] = [
    [
      dnsLabelErrors,
      {
        a: [],
        'a-1': [],
        '1a': [],
        '': [LABEL],
        A: [LABEL],
        '-a': [LABEL],
        'a.b': ['must not contain dots'],
        ['a'.repeat(64)]: ['must be no more than 63 characters'],
      },
    ],
    [
      dnsSubdomainErrors,
      {
        'a.b': [],
        'a..b': [SUBDOMAIN],
        'a.': [SUBDOMAIN],
        A: [SUBDOMAIN],
        é: [SUBDOMAIN],
        'a\n': [SUBDOMAIN],
        ['a'.repeat(254)]: ['must be no more than 253 characters'],
      },
    ],
    [
      dns1035LabelErrors,
      {
        a1: [],
        '1a': [
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ],
      },
    ],
    [
      wildcardSubdomainErrors,
      {
        '*.a.b': [],
        'a.b': [
          "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ],
      },
    ],
    [
      qualifiedNameErrors,
      {
        a: [],
        'A_b.c': [],
        'a.io/B': [],
        '': ['name part must be non-empty', NAME],
        'a b': [NAME],
        '/b': ['prefix part must be non-empty'],
        'A.b/c': [`prefix part ${SUBDOMAIN}`],
        'a/b/c': [`a valid label key ${MIXED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`],
        ['k'.repeat(64)]: ['name part must be no more than 63 bytes'],
      },
    ],
    [labelValueErrors, { '': [], a: [], 'a-': [VALUE], ['v'.repeat(64)]: ['must be no more than 63 bytes'] }],
    [
      cIdentifierErrors,
      {
        _a: [],
        'a-b': [
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
        ],
      },
    ],
    [
      configMapKeyErrors,
      {
        'a.b': [],
        '.': ["must not be '.'"],
        '..': ["must not be '..'"],
        '..a': ["must not start with '..'"],
        'a b': [
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        ],
        ['k'.repeat(254)]: ['must be no more than 253 characters'],
      },
    ],
    [envVarNameErrors, { 'A.b-c': [], '..': ["must not be '..'"] }],
    [
      relaxedEnvVarNameErrors,
      { 'a b!': [], 'a=b': ["a valid environment variable name must consist only of printable ASCII characters other than '='"] },
    ],
    [
      portNameErrors,
      {
        http: [],
        '80': ['must contain at least one letter (a-z)'],
        HTTP: ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)', 'must contain at least one letter (a-z)'],
        'a--b': ['must not contain consecutive hyphens'],
        'a-': ['must not begin or end with a hyphen'],
        ['a'.repeat(16)]: ['must be no more than 15 characters'],
      },
    ],
    [
      percentErrors,
      {
        '5%': [],
        '5': [
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        ],
      },
    ],
    [
      httpHeaderErrors,
      {
        'X-A': [],
        'a b': [
          "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
        ],
      },
    ],
    [
      pathSegmentErrors,
      { a: [], '.': ["may not be '.'"], '..': ["may not be '..'"], 'a/%': ["may not contain '/'", "may not contain '%'"] },
    ],
    [
      domainPrefixedPathErrors,
      {
        'a.io/x': [],
        'a.io': ['must be a domain-prefixed path (such as "acme.io/foo")'],
        'a.io/': ['must be a domain-prefixed path (such as "acme.io/foo")'],
      },
    ],
  ]
  for (const [check, cases] of table)
    for (const [value, errors] of Object.entries(cases)) assert.deepEqual(check(value), errors, `${check.name} of ${value}`)
})

test('a prefix of a name may end in a dash', () => {
  assert.deepEqual(nameIsDnsLabel('web-', true), [])
  assert.deepEqual(nameIsDnsLabel('web-', false), [LABEL])
  assert.deepEqual(nameIsDnsSubdomain('a.', true), [SUBDOMAIN])
})

test('lengths are those of UTF-8', () => {
  for (const text of ['', 'a', 'é', '€', '😀', 'a😀é']) assert.equal(byteLength(text), new TextEncoder().encode(text).length, text)
})
