import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tlsPairProblem } from './tls-pair.ts'

// Made for this test; they guard nothing.
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUZzhpS/L5AIPLP/JILhUmRr47KmAwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMzAxNzAxMDdaGA8yMTI2MTEwNjE3MDEwN1ow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAKcTjbMjSio
zK7fEAhXB11MOCDoP7bDt/H8ErwcE+Kx5arS3MXBhqp+wx81239LkQYcsA1nzEVO
USfUal/4vFqjUzBRMB0GA1UdDgQWBBSRlr2EzHD7rWU77VhJ2DVQ2ixgHTAfBgNV
HSMEGDAWgBSRlr2EzHD7rWU77VhJ2DVQ2ixgHTAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQDHoCVd0jK+DzL2p0egrZEHajclj14MF5BWMDHQPm6N
SQIhAPBt97PWpxcan2cnjdk/KWwVWMLqvEATBI8brhAhq7+2
-----END CERTIFICATE-----`
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYk9QqApQvvMifzla
w/V/OjMwFDIFh+6TsOcI8lLjOpKhRANCAAQCnE42zI0oqMyu3xAIVwddTDgg6D+2
w7fx/BK8HBPiseWq0tzFwYaqfsMfNdt/S5EGHLANZ8xFTlEn1Gpf+Lxa
-----END PRIVATE KEY-----`
const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpK/ZnWD69VK6hzTZ
MI96Yk7NCxRnDC1SQGh8GeqiS0mhRANCAAT6lDhnJaW+UMEfXsUD1UvA8khy9akG
Kib4SFKcGezvKAcxQP2chISgbGml1T00JODOCgy6A5iqF9BNCgy9tgiq
-----END PRIVATE KEY-----`
const EDWARDS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBLjCB4aADAgECAhRX2xuajMh8DnT6+4x1hEjJi/XOMjAFBgMrZXAwDDEKMAgG
A1UEAwwBZTAgFw0yNjExMzAxNzAxMDhaGA8yMTI2MTEwNjE3MDEwOFowDDEKMAgG
A1UEAwwBZTAqMAUGAytlcAMhAPd5CzTdMjsYfjURtNTcmiR4xNCIpizAv5mSIWju
ssYjo1MwUTAdBgNVHQ4EFgQUtJf2QnLv+UNpN/SFge54/ww0DvwwHwYDVR0jBBgw
FoAUtJf2QnLv+UNpN/SFge54/ww0DvwwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQBtrgYis6gRg8gG5xA/pK8zrcVzArTVPi6J6UW/IMf15TKhL+fo+pAXhwwDmGJU
0GxT6WOnoVvNyzN3DiqneFgH
-----END CERTIFICATE-----`
const EDWARDS_KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIG410ukb14sv39F3IXRzkGWuh4RAvNfGSXAYnqdyZmoI
-----END PRIVATE KEY-----`

const block = (type: string, body: string): string => `-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`
/** The certificate with some bytes changed. */
function damaged(find: string, put: string): string {
  const hex = Uint8Array.fromBase64(CERTIFICATE.split('\n').slice(1, -1).join('')).toHex()
  assert.ok(hex.includes(find), find)
  return block('CERTIFICATE', Uint8Array.fromHex(hex.replace(find, put)).toBase64())
}

test('a certificate and its key are a pair, also among other blocks and words', () => {
  assert.equal(tlsPairProblem(CERTIFICATE, KEY), undefined)
  const parameters = block('EC PARAMETERS', 'BggqhkjOPQMBBw==')
  assert.equal(tlsPairProblem(`words\n${CERTIFICATE}\n${EDWARDS_CERTIFICATE}`, `${parameters}${KEY}\n`), undefined)
  assert.equal(tlsPairProblem(EDWARDS_CERTIFICATE, EDWARDS_KEY), undefined)
})

test('what is no pair is told in the words of the reference', () => {
  const cases: readonly (readonly [certificate: string, key: string, problem: string])[] = [
    ['', '', 'tls: failed to find any PEM data in certificate input'],
    [
      KEY,
      CERTIFICATE,
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    ],
    [
      block('A', 'AAAA') + block('B', ''),
      KEY,
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [A B]',
    ],
    [CERTIFICATE, 'hello', 'tls: failed to find any PEM data in key input'],
    [CERTIFICATE, CERTIFICATE, 'tls: found a certificate rather than a key in the PEM for the private key'],
    [CERTIFICATE, OTHER_KEY, 'tls: private key does not match public key'],
    [CERTIFICATE, EDWARDS_KEY, 'tls: private key type does not match public key type'],
    [CERTIFICATE, block('PRIVATE KEY', 'AAAA'), 'tls: failed to parse private key'],
    [block('CERTIFICATE', 'AAAA'), KEY, 'x509: malformed certificate'],
    [CERTIFICATE.slice(0, 300), KEY, 'tls: failed to find any PEM data in certificate input'],
    // The version, a time, an extension's value, the curve.
    [damaged('a003020102', 'a003020103'), KEY, 'x509: invalid version'],
    [damaged('170d32', '170d78'), KEY, 'x509: malformed UTCTime'],
    [damaged('0603551d0e0416', '0603551d0e0516'), KEY, 'x509: malformed extension value field'],
    [damaged('2a8648ce3d030107', '2a8648ce3d030109'), KEY, 'x509: unsupported elliptic curve'],
  ]
  for (const [certificate, key, problem] of cases) assert.equal(tlsPairProblem(certificate, key), problem)
})
