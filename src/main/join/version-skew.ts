/** How far behind a node may be (https://kubernetes.io/releases/version-skew-policy/); it may never be ahead. */
const MINORS_BEHIND = 3

/** Why a node of this version must not join a server of that one; undefined when it may. Versions as in `v1.36.3`. */
export function skewProblem(node: string, server: string): string | undefined {
  const [ours, theirs] = [parse(node), parse(server)]
  if (ours === undefined || theirs === undefined)
    return `the server's version ${JSON.stringify(server)} cannot be compared with this node's, ${node}`
  if (ours.major !== theirs.major || ours.minor > theirs.minor)
    return `this node speaks Kubernetes ${node}, and the server ${server}: a node is never newer than its server`
  if (theirs.minor - ours.minor > MINORS_BEHIND)
    return `this node speaks Kubernetes ${node}, and the server ${server}: a node is at most ${MINORS_BEHIND} minor versions older`
  return undefined
}

function parse(version: string): { readonly major: number; readonly minor: number } | undefined {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? []
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}
