import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ImageDefinition, buildImage, importImages } from '#images'
import { cacheDir } from '#main'
import type { MachineCluster } from '#testing'

/** An image with a shell, `cat`, `tar` and Node, in two versions that say which they are. */
export const toolbox = (version: 1 | 2): string => `sampan.local/toolbox:${version}`

/** Serves its version over HTTP, says so, and then says more from time to time. */
const SERVE = `
const { createServer } = require('node:http')
createServer((request, response) => response.end('version ' + process.env.VERSION + '\\n')).listen(8080, () => console.log('serving version ' + process.env.VERSION))
process.on('SIGTERM', () => process.exit(0))
setInterval(() => console.log('tick'), 200)`

const definition = (version: 1 | 2): ImageDefinition => ({
  name: toolbox(version),
  layers: [
    { kind: 'node' },
    {
      kind: 'debian',
      packages: ['dash', 'coreutils', 'tar'],
      programs: ['/bin/sh', '/bin/cat', '/bin/sleep', '/bin/tar', '/bin/mkdir', '/bin/ls'],
    },
  ],
  entrypoint: ['/usr/local/bin/node', '-e', SERVE],
  env: { VERSION: String(version), PATH: '/usr/local/bin:/usr/bin:/bin' },
})

/** Puts both versions into a node's containerd. */
export async function importToolbox({ scope, layout }: Pick<MachineCluster, 'scope' | 'layout'>): Promise<void> {
  const cache = cacheDir(process.env)
  mkdirSync(join(cache, 'images'), { recursive: true })
  const layouts = [await buildImage(scope, definition(1), { cacheDir: cache }), await buildImage(scope, definition(2), { cacheDir: cache })]
  await importImages(scope, { address: layout.containerd.socket, layouts })
}
