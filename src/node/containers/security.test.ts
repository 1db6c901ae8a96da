import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { core } from '#api'
import type { ContainerSecurity, Image } from '../cri/runtime.ts'
import type { NodeSettings } from '../settings.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { seccompOf, securityOf } from './security.ts'

const image = (user: Partial<Pick<Image, 'uid' | 'username'>> = {}): Image =>
  ({ id: 'sha256:1', uid: undefined, username: '', ...user }) as Image
const settings = { seccompDir: '/nowhere', machine: { apparmor: false } } as NodeSettings
const security = (
  own: core.SecurityContext,
  user: ReturnType<typeof image> = image(),
  shared: core.PodSecurityContext = {},
): ContainerSecurity => {
  const container = { name: 'app', image: 'app', securityContext: own }
  return securityOf(testPod('p', { containers: [container], securityContext: shared }), container, user, settings, undefined)
}
const refused = (message: RegExp) => ({ message })

describe('a profile of system calls', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'seccomp-'))
    writeFileSync(join(dir, 'strict.json'), '{}')
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  test('of the node is the file that is named', () =>
    assert.deepEqual(seccompOf({ type: 'Localhost', localhostProfile: 'strict.json' }, dir), {
      type: 'Localhost',
      ref: join(dir, 'strict.json'),
    }))

  for (const localhostProfile of [undefined, '', '..', '../strict.json', 'a/../../strict.json', '/etc/passwd'])
    test(`of the node that is ${JSON.stringify(localhostProfile)} refuses the start, and is not taken for none`, () =>
      assert.throws(
        () => seccompOf({ type: 'Localhost', ...(localhostProfile !== undefined && { localhostProfile }) }, dir),
        refused(/localhostProfile must be set/),
      ))

  test('that is not there refuses the start', () =>
    assert.throws(() => seccompOf({ type: 'Localhost', localhostProfile: 'gone.json' }, dir), refused(/file does not exist/)))

  test('of a type that nobody knows refuses the start', () =>
    assert.throws(() => seccompOf({ type: 'Stricter' as never }, dir), refused(/unknown seccomp profile type "Stricter"/)))

  test('of AppArmor, where the kernel has none, refuses the start', () =>
    assert.throws(() => security({ appArmorProfile: { type: 'RuntimeDefault' } }), refused(/AppArmor is not enabled/)))
})

describe('whom a container runs as', () => {
  for (const [what, own, user, message] of [
    ['0 is said', { runAsUser: 0 }, image({ uid: 1000 }), /runAsUser breaks non-root policy/],
    ['the image says 0', {}, image({ uid: 0 }), /image will run as root/],
    ['the image says nothing', {}, image(), /image will run as root/],
    ['the image says a name', {}, image({ username: 'app' }), /non-numeric user \(app\)/],
  ] as const) {
    test(`is not root where it must not be: ${what}`, () =>
      assert.throws(() => security({ ...own, runAsNonRoot: true }, user), refused(message)))
    test(`is not root where the pod says so: ${what}`, () =>
      assert.throws(() => security(own, user, { runAsNonRoot: true }), refused(message)))
  }

  test('is worked out of the image at each start, when nobody says it', () => {
    assert.equal(security({ runAsNonRoot: true }, image({ uid: 1000 })).runAsUser, 1000)
    assert.equal(security({}, image({ username: 'app' })).runAsUsername, 'app')
    assert.equal(security({}, image({ uid: 7 })).runAsUser, 7)
  })

  test('is what the container says before what the pod says', () =>
    assert.equal(security({ runAsUser: 5 }, image({ uid: 1000 }), { runAsUser: 6 }).runAsUser, 5))
})
