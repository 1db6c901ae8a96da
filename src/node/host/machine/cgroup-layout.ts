export type CgroupLayout =
  | { readonly version: 1; readonly controllers: Readonly<Record<string, string>> }
  | { readonly version: 2; readonly mount: string }

/** cgroup v1 when it has the memory controller, as on hybrid systems; otherwise v2; undefined when neither is mounted. */
export function cgroupLayoutOf(mountinfo: string): CgroupLayout | undefined {
  const controllers: Record<string, string> = {}
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const mountpoint = left.split(' ')[4] ?? ''
    const [type, , superOptions = ''] = right.split(' ')
    if (type === 'cgroup2') unified ??= mountpoint
    if (type !== 'cgroup') continue
    for (const option of superOptions.split(','))
      if (
        !['rw', 'ro', 'xattr'].includes(option) &&
        !option.startsWith('name=') &&
        !option.startsWith('release_agent=') &&
        option !== 'clone_children'
      )
        controllers[option] ??= mountpoint
    const named = /(?:^|,)name=([^,]+)/.exec(superOptions)?.[1]
    if (named !== undefined) controllers[`name=${named}`] ??= mountpoint
  }
  if (controllers.memory !== undefined) return { version: 1, controllers }
  return unified === undefined ? undefined : { version: 2, mount: unified }
}
