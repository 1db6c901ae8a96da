import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TarEntry, packTar } from 'modern-tar'
import type { Scope } from '#base'
import { runCommand } from '../host/command.ts'

/** Images for tests on a real containerd, made from one static program: Debian's busybox-static. */
export const BUSYBOX = '/bin/busybox'
export const PAUSE_IMAGE = 'sampan.test/pause:1'
export const BUSYBOX_IMAGE = 'sampan.test/busybox:1'
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'sleep',
  'ls',
  'id',
  'env',
  'true',
  'false',
  'stat',
  'mkdir',
  'touch',
  'rm',
  'ln',
  'kill',
  'hostname',
  'ip',
  'httpd',
  'nc',
  'head',
  'dd',
  'printenv',
  'mount',
  'grep',
  'date',
]

export const hasStaticBusybox = (): boolean => existsSync(BUSYBOX) && !readFileSync(BUSYBOX).includes('/lib64/ld-linux')

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function imageTar(name: string, config: object): Promise<Uint8Array> {
  const layer = await packTar([
    { header: { name: 'bin/', size: 0, type: 'directory', mode: 0o755 } },
    { header: { name: 'tmp/', size: 0, type: 'directory', mode: 0o1777 } },
    { header: { name: 'etc/', size: 0, type: 'directory', mode: 0o755 } },
    file('etc/passwd', Buffer.from('root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n')),
    file('etc/group', Buffer.from('root:x:0:\nnobody:x:65534:\n')),
    file('bin/busybox', readFileSync(BUSYBOX), 0o755),
    ...APPLETS.map(
      (applet): TarEntry => ({ header: { name: `bin/${applet}`, size: 0, type: 'symlink', linkname: 'busybox', mode: 0o777 } }),
    ),
  ])
  const configBytes = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'], ...config },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digestOf(layer)}`] },
    }),
  )
  const described = (mediaType: string, bytes: Uint8Array): object => ({
    mediaType,
    digest: `sha256:${digestOf(bytes)}`,
    size: bytes.length,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: described('application/vnd.oci.image.config.v1+json', configBytes),
      layers: [described('application/vnd.oci.image.layer.v1.tar', layer)],
    }),
  )
  const index = {
    schemaVersion: 2,
    manifests: [
      { ...described('application/vnd.oci.image.manifest.v1+json', manifest), annotations: { 'io.containerd.image.name': name } },
    ],
  }
  const blob = (bytes: Uint8Array): TarEntry => file(`blobs/sha256/${digestOf(bytes)}`, bytes)
  return packTar([
    file('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
    file('index.json', Buffer.from(JSON.stringify(index))),
    blob(layer),
    blob(configBytes),
    blob(manifest),
  ])
}

function file(name: string, body: Uint8Array, mode = 0o644): TarEntry {
  return { header: { name, size: body.length, type: 'file', mode }, body }
}

/** Puts both images into a running containerd. */
export async function importTestImages(scope: Scope, socketPath: string, scratchDir: string): Promise<void> {
  const images = [
    [PAUSE_IMAGE, { Entrypoint: ['/bin/busybox', 'sleep', '2147483647'] }],
    [BUSYBOX_IMAGE, { Cmd: ['/bin/sh'] }],
  ] as const
  for (const [name, config] of images) {
    const path = join(scratchDir, 'image.tar')
    writeFileSync(path, await imageTar(name, config))
    await runCommand(scope, 'ctr', ['--address', socketPath, '--namespace', 'k8s.io', 'images', 'import', path])
    rmSync(path)
  }
}
