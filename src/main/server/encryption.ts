import { join } from 'node:path'
import { type MetricText, type Scope, UserError, messageOf, readFileIfThere, writePrivateFile, writeYaml } from '#base'
import type { HealthCheck } from '#apiserver'
import {
  type Cipher,
  type Engine,
  EncryptedStore,
  type EncryptionRule,
  IDENTITY,
  TransformationMetrics,
  aesCbc,
  aesGcm,
  openKmsCipher,
  openSecretBox,
} from '#store'
import { type Encryption, EncryptionReload, type KeyService } from './encryption-reload.ts'
import { API_VERSION, type EncryptionPlan, type Provider, parseEncryption } from './encryption-configuration.ts'

const FILE = 'encryption.yaml'
const KEY_BYTES = 32

export interface GuardedStore {
  readonly engine: Engine
  /** Of the key services, where there are any. */
  readonly healthChecks: readonly HealthCheck[]
  writeMetrics(text: MetricText): void
}

/**
 * The store with its Secrets encrypted: by the keys of the file that is named, else by one that is made at the first start and lies
 * beside the database, readable for its owner alone. Waits for the key services that the file names: without them nothing can be read.
 * With `reloads`, the file counts as it is now.
 */
export async function withEncryption(
  scope: Scope,
  engine: Engine,
  options: { readonly stateDir: string; readonly file: string | undefined; readonly reloads?: boolean },
): Promise<GuardedStore> {
  const file = options.file ?? join(options.stateDir, FILE)
  let text = readFileIfThere(file)
  if (text === undefined) {
    if (options.file !== undefined)
      throw new UserError(`the encryption configuration ${file} cannot be read`, 'give --encryption-provider-config an existing file')
    text = newConfiguration(scope)
    writePrivateFile(scope.random, file, text)
  }
  const own = scope.child()
  const first = await rulesOf(own, text, file)
  const metrics = new TransformationMetrics(scope.clock)
  const store = new EncryptedStore(engine, first.rules, metrics)
  const renewed = await store.renew(scope)
  if (renewed > 0) scope.log.info('stored values have been encrypted anew', { values: renewed })
  const reload =
    options.reloads === true ? new EncryptionReload(scope, { file, text, store, own, services: first.services, rulesOf }) : undefined
  const services = (): readonly KeyService[] => reload?.services ?? first.services
  return {
    engine: store,
    healthChecks: first.services.length === 0 && reload === undefined ? [] : [serviceCheck(services)],
    writeMetrics(to) {
      metrics.write(to)
      reload?.writeMetrics(to)
    },
  }
}

/** What a configuration says, with its key services started: they live as long as the scope. Throws `UserError` for one that cannot be used. */
async function rulesOf(scope: Scope, text: string, file: string): Promise<Encryption> {
  const services: KeyService[] = []
  const rules: EncryptionRule[] = []
  for (const plan of parseEncryption(text, file)) rules.push(await ruleOf(scope, plan, services))
  return { rules, services }
}

async function ruleOf(scope: Scope, { prefixes, providers }: EncryptionPlan, services: KeyService[]): Promise<EncryptionRule> {
  const ciphers: Cipher[] = []
  for (const provider of providers) ciphers.push(await cipherOf(scope, provider, services))
  const [first = IDENTITY, ...more] = ciphers
  return { prefixes, ciphers: [first, ...more] }
}

async function cipherOf(scope: Scope, provider: Provider, services: KeyService[]): Promise<Cipher> {
  const randomBytes = (count: number): Uint8Array => scope.random.bytes(count)
  switch (provider.kind) {
    case 'identity':
      return IDENTITY
    case 'aesgcm':
      return aesGcm(provider, randomBytes)
    case 'aescbc':
      return aesCbc(provider, randomBytes)
    case 'secretbox':
      return openSecretBox(provider, randomBytes)
    case 'kms': {
      const service = await openKmsCipher(scope, provider)
      services.push(service)
      return service
    }
  }
}

/** One check for all of them, under the name that it has in Kubernetes. */
function serviceCheck(services: () => readonly KeyService[]): HealthCheck {
  return {
    name: 'kms-providers',
    on: ['healthz', 'livez', 'readyz'],
    async check() {
      const problems: string[] = []
      for (const [at, service] of services().entries())
        await service.check().catch((error: unknown) => problems.push(`kms-provider-${at}: ${messageOf(error)}`))
      if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`)
    },
  }
}

function newConfiguration(scope: Scope): string {
  const secret = Buffer.from(scope.random.bytes(KEY_BYTES)).toString('base64')
  return writeYaml({
    apiVersion: API_VERSION,
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'key1', secret }] } }, { identity: {} }] }],
  })
}
