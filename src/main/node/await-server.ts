import { existsSync } from 'node:fs'
import type { Scope } from '#base'
import { createClient, loadKubeconfig, socketTransport } from '#client'

const LOOK_AGAIN_MS = 10

/**
 * Resolves when the files are there and the API that the first of them (a kubeconfig) tells of answers, ready or not. So an agent can be started beside
 * the server that makes its credentials, and loads meanwhile.
 */
export async function awaitServer(scope: Scope, [kubeconfig, ...others]: readonly [string, ...string[]]): Promise<void> {
  for (let looks = 0; ; looks++) {
    if ([kubeconfig, ...others].every((file) => existsSync(file)) && (await answers(scope, kubeconfig))) return
    if (looks === 100) scope.log.info('waiting for the server', { kubeconfig })
    await scope.sleep(LOOK_AGAIN_MS)
  }
}

async function answers(scope: Scope, kubeconfig: string): Promise<boolean> {
  // Read each time: it may be of an earlier server, whose place another one takes.
  const { connection } = await loadKubeconfig(kubeconfig)
  const client = createClient({ transport: socketTransport(connection) })
  try {
    return (await client.raw(scope, { method: 'GET', path: '/readyz' })).status < 500
  } catch {
    scope.check()
    return false
  }
}
