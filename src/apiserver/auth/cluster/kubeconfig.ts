import { type KeyPair, type Scope, readFileIfThere, writePrivateFile } from '#base'

export interface KubeconfigWish {
  readonly cluster: string
  readonly user: string
  /** `https://127.0.0.1:6443` */
  readonly server: string
  /** PEM. */
  readonly authority: string
  readonly client: KeyPair
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A kubeconfig with everything inside it (JSON, which is YAML), so that the file alone is enough. */
export function kubeconfigText(wish: KubeconfigWish): string {
  const context = `${wish.user}@${wish.cluster}`
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: wish.cluster, cluster: { server: wish.server, 'certificate-authority-data': base64(wish.authority) } }],
    users: [
      { name: wish.user, user: { 'client-certificate-data': base64(wish.client.certificate), 'client-key-data': base64(wish.client.key) } },
    ],
    contexts: [{ name: context, context: { cluster: wish.cluster, user: wish.user } }],
    'current-context': context,
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}

/** Writes the file for its owner only, and only when it would change. */
export function writeKubeconfig(scope: Scope, path: string, wish: KubeconfigWish): void {
  const text = kubeconfigText(wish)
  if (readFileIfThere(path) !== text) writePrivateFile(scope.random, path, text)
}
