import { createClient, loadKubeconfig, socketTransport } from '#client'
import { startSimulation } from '#simulate'
import type { SimulateFlags } from '../program/flags.ts'
import { inForeground } from '../process/foreground.ts'

/** `sampan simulate`: nodes that are none, in any cluster, as long as it runs. */
export async function runSimulate(flags: SimulateFlags): Promise<void> {
  await inForeground('simulate', flags.logLevel, async (scope) => {
    const { connection } = await loadKubeconfig(flags.kubeconfig)
    const client = createClient({
      transport: socketTransport({ ...connection, userAgent: 'sampan-simulate' }),
      fieldManager: 'sampan-simulate',
    })
    const work = scope.child()
    const shape = { cpu: flags.nodeCpu, memory: flags.nodeMemory, pods: flags.podsPerNode, isTainted: flags.taint }
    const simulation = await startSimulation(work, { client, nodes: flags.nodes, shape, jobMs: flags.jobSeconds * 1000 })
    scope.log.info('the nodes are there', { ...simulation.stats() })
    return async () => {
      scope.log.info('the nodes stay; remove them with: kubectl delete nodes -l sampan.dev/simulated=true', { ...simulation.stats() })
      work.cancel()
    }
  })
}
