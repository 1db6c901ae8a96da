import { readFileSync } from 'node:fs'
import { type Scope, UserError, messageOf } from '#base'
import type { Engine } from '../engine.ts'
import { StoreUnavailable } from '../errors.ts'
import type { EtcdTarget } from './members.ts'
import { unfitEtcd } from './versions.ts'

/**
 * Connects to etcd. Rejects with a `UserError` when it cannot be reached, is of a version that will not do, or a file cannot be read. `scope` gives the clock,
 * the log and the randomness; the connection lives until the store is closed.
 */
export async function openEtcdStore(scope: Scope, target: EtcdTarget): Promise<Engine> {
  check(target)
  const [{ EtcdEngine }, { Members }] = await Promise.all([import('./etcd-engine.ts'), import('./members.ts')])
  const own = scope.detached().child()
  const members = new Members(own, target)
  try {
    const engine = await EtcdEngine.open(own, members)
    const unfit = unfitEtcd(await engine.version())
    if (unfit !== undefined) throw new UserError(unfit.why, unfit.instead)
    return engine
  } catch (error) {
    own.cancel()
    if (!(error instanceof StoreUnavailable)) throw error
    throw new UserError(
      `etcd cannot be reached: ${messageOf(error.cause)}`,
      'look whether it runs, and at --etcd-servers, --etcd-cafile, --etcd-certfile and --etcd-keyfile',
    )
  }
}

function check({ endpoints, caFile, certFile, keyFile }: EtcdTarget): void {
  if (endpoints.length === 0) throw new UserError('no server of etcd is named', 'give --etcd-servers http://HOST:2379')
  for (const endpoint of endpoints) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
    if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '')
      throw new UserError(`not the address of a server of etcd: ${endpoint}`, 'give http://HOST:PORT or https://HOST:PORT')
  }
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UserError('a certificate for etcd needs its key', 'give both --etcd-certfile and --etcd-keyfile')
  for (const file of [caFile, certFile, keyFile]) {
    if (file === undefined) continue
    try {
      readFileSync(file)
    } catch (error) {
      throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 'name the files of PEM that etcd was given, or made for')
    }
  }
}
