import type { DoctorFacts, Trials } from './doctor-facts.ts'
import { type Finding, block, fine, limit } from './finding.ts'

/** What is lost without each of what was tried; a cluster does not work at all without the first ones. */
const WITHOUT: Readonly<Record<keyof Trials, { readonly means: string; readonly isNeeded?: boolean }>> = {
  'pod links': { means: 'no pod has a network', isNeeded: true },
  'pod rules': { means: 'pods do not reach the world', isNeeded: true },
  services: { means: 'no Service leads anywhere', isNeeded: true },
  policies: { means: 'NetworkPolicies are not kept', isNeeded: true },
  overlay: { means: 'no --network overlay: machines that join must be neighbours' },
  'host ports': { means: 'pods with host ports do not start' },
  bandwidth: { means: 'pods with kubernetes.io/ingress-bandwidth or egress-bandwidth do not start' },
}

/** Pure. What was tried in a network that was thrown away, and what the kernel says of itself. */
export function diagnoseKernel(facts: DoctorFacts): readonly Finding[] {
  return [
    ...trials(facts.trials),
    facts.hasIPv6
      ? fine('IPv6', 'spoken')
      : facts.wantsIPv6
        ? block(
            'IPv6',
            'the kernel has none, or it is switched off, and the cluster speaks it',
            'sysctl net.ipv6.conf.all.disable_ipv6=0, no ipv6.disable=1 on the kernel command line',
          )
        : limit('IPv6', 'the kernel has none, or it is switched off', 'no --ip-families with IPv6'),
    facts.hasSctp
      ? fine('SCTP', 'there')
      : limit('SCTP', 'the kernel has none', 'pods can open no sockets of SCTP: Services and policies of it are made, and carry nothing'),
    facts.filtersBridges
      ? fine('bridges', 'filtered')
      : limit('bridges', 'what passes them is not filtered', 'no --network bridge', 'modprobe br_netfilter'),
    facts.machine.apparmor
      ? fine('AppArmor', 'enabled')
      : limit('AppArmor', 'the kernel has none, or it is switched off', 'pods with AppArmor profiles are refused'),
    facts.machine.seccomp ? fine('seccomp', 'there') : block('seccomp', 'the kernel has none'),
    facts.hasHurrySwitch
      ? fine('quick grace periods', 'there')
      : limit('quick grace periods', 'no /sys/kernel/rcu_expedited', 'pods start and stop about a quarter slower'),
  ]
}

function trials(found: Trials | undefined): readonly Finding[] {
  if (found === undefined)
    return [
      {
        what: 'network',
        state: 'unknown',
        found: 'not tried',
        means: 'what the kernel can of nftables, VXLAN and links is not known',
        remedy: 'run sampan doctor as root, with unshare and nsenter (util-linux)',
      },
    ]
  return (Object.entries(found) as readonly [keyof Trials, string | undefined][]).map(([what, refusal]) => {
    const { means, isNeeded } = WITHOUT[what]
    if (refusal === undefined) return fine(what, 'the kernel takes them')
    return isNeeded === true ? { ...block(what, refusal), means } : limit(what, refusal, means)
  })
}
