// Who is signed in. Nobody (null) is an answer, not an error.
import { useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from "@tanstack/react-query";

import { fetchMe, signIn, signOut } from "../api/session";
import type { Me } from "../api/types";
import { asFailure } from "../utilities/failure";

export const ME = ["me"] as const;

async function meOrNobody(signal: AbortSignal): Promise<Me | null> {
  try {
    return await fetchMe(signal);
  } catch (thrown) {
    if (asFailure(thrown).signedOut) return null;
    throw thrown;
  }
}

export function useMe(): UseQueryResult<Me | null> {
  return useQuery({ queryKey: ME, queryFn: ({ signal }) => meOrNobody(signal), staleTime: 60_000 });
}

export function useSignIn(): UseMutationResult<void, Error, string> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: signIn,
    onSuccess: () => client.invalidateQueries({ queryKey: ME }),
  });
}

export function useSignOut(): UseMutationResult<void, Error, void> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      // Nothing that one person read stays for the next. `me` itself is watched, so it is set, not removed.
      client.setQueryData(ME, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ME[0] });
    },
  });
}

/** Whether permissions like `clusters:*` allow `resource:action`. The hub decides; this only spares a vain click. */
export function allows(held: readonly string[], permission: string): boolean {
  const [resource, action] = permission.split(":");
  return held.some((one) => {
    const [heldResource, heldAction] = one.split(":");
    return (heldResource === "*" || heldResource === resource) && (heldAction === "*" || heldAction === action);
  });
}

export function useMay(permission: string): boolean {
  return allows(useMe().data?.permissions ?? [], permission);
}
