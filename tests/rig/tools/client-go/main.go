// A client nobody of this project wrote, for a server that it was not made for: client-go's shared informer, its leader election
// and its typed and dynamic clients, against whatever the kubeconfig names.
//
// Prints one line for each thing that it saw, in an order that does not depend on timing; exits 0 when it saw everything.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const patience = 30 * time.Second

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client-go KUBECONFIG NAMESPACE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func run(kubeconfig, namespace string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("the namespace: %w", err)
	}
	for _, part := range []func() error{
		func() error { return discovers(client.Discovery()) },
		func() error { return informs(ctx, client, namespace) },
		func() error { return appliesAndPatches(ctx, client, namespace) },
		func() error { return readsUntyped(ctx, dynamicClient, namespace) },
		func() error { return elects(ctx, client, namespace) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
}

func discovers(client discovery.DiscoveryInterface) error {
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	resources := 0
	for _, list := range lists {
		resources += len(list.APIResources)
	}
	fmt.Printf("discovery: version %s.%s, more than fifty resources: %t\n", version.Major, version.Minor, resources > 50)
	return nil
}

// seen collects what an informer's handlers were told, object by object.
type seen struct {
	sync.Mutex
	events map[string][]string
}

func (s *seen) note(object any, what string) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	s.Lock()
	defer s.Unlock()
	name := object.(*corev1.ConfigMap).Name
	s.events[name] = append(s.events[name], what)
}

func (s *seen) of(name string) []string {
	s.Lock()
	defer s.Unlock()
	return append([]string(nil), s.events[name]...)
}

func informs(ctx context.Context, client kubernetes.Interface, namespace string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	maps := client.CoreV1().ConfigMaps(namespace)
	create := func(name string) error {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"round": "1"}}
		_, err := maps.Create(ctx, object, metav1.CreateOptions{})
		return err
	}
	if err := create("early"); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps()
	log := &seen{events: map[string][]string{}}
	if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { log.note(object, "added round "+object.(*corev1.ConfigMap).Data["round"]) },
		UpdateFunc: func(_, object any) { log.note(object, "updated to round "+object.(*corev1.ConfigMap).Data["round"]) },
		DeleteFunc: func(object any) { log.note(object, "deleted") },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for _, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return errors.New("the informer's cache did not sync")
		}
	}
	if err := create("late"); err != nil {
		return err
	}
	for _, name := range []string{"early", "late"} {
		object, err := maps.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.Data["round"] = "2"
		if _, err := maps.Update(ctx, object, metav1.UpdateOptions{}); err != nil {
			return err
		}
		// The version that was read is not the stored one any more.
		if _, err := maps.Update(ctx, object, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			return fmt.Errorf("a second update of a stale %s: %v", name, err)
		}
		if err := maps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		if err := until(ctx, func() bool {
			events := log.of(name)
			return len(events) > 0 && events[len(events)-1] == "deleted"
		}); err != nil {
			return fmt.Errorf("the deletion of %s was not seen: %w", name, err)
		}
		fmt.Printf("informer: %s %v\n", name, log.of(name))
	}
	left, err := informer.Lister().ConfigMaps(namespace).Get("late")
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("the cache still has %v (%v)", left, err)
	}
	return nil
}

func appliesAndPatches(ctx context.Context, client kubernetes.Interface, namespace string) error {
	maps := client.CoreV1().ConfigMaps(namespace)
	apply := func(manager, value string) error {
		_, err := maps.Apply(ctx, v1.ConfigMap("applied", namespace).WithData(map[string]string{"key": value}), metav1.ApplyOptions{FieldManager: manager})
		return err
	}
	if err := apply("one", "a"); err != nil {
		return err
	}
	if err := apply("two", "b"); !apierrors.IsConflict(err) {
		return fmt.Errorf("an apply over another manager's field: %v", err)
	}
	patched, err := maps.Patch(ctx, "applied", types.StrategicMergePatchType, []byte(`{"data":{"other":"c"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("apply: key %s, other %s, managers %d\n", patched.Data["key"], patched.Data["other"], len(patched.ManagedFields))
	return nil
}

func readsUntyped(ctx context.Context, client dynamic.Interface, namespace string) error {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 1, FieldSelector: "metadata.name=applied"})
	if err != nil {
		return err
	}
	for _, item := range list.Items {
		fmt.Printf("dynamic: %s %s\n", item.GetKind(), item.GetName())
	}
	return nil
}

// elects runs two candidates: the second leads only after the first has let go.
func elects(ctx context.Context, client kubernetes.Interface, namespace string) error {
	leads := make(chan string, 2)
	candidate := func(name string) (context.CancelFunc, chan struct{}) {
		mine, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: "leader", Namespace: namespace},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		}
		go func() {
			defer close(done)
			leaderelection.RunOrDie(mine, leaderelection.LeaderElectionConfig{
				Lock: lock, ReleaseOnCancel: true, Name: name,
				LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
				Callbacks: leaderelection.LeaderCallbacks{
					OnStartedLeading: func(context.Context) { leads <- name },
					OnStoppedLeading: func() {},
				},
			})
		}()
		return stop, done
	}
	wait := func(name string) error {
		select {
		case leader := <-leads:
			if leader != name {
				return fmt.Errorf("%s leads, not %s", leader, name)
			}
			fmt.Printf("election: %s leads\n", leader)
			return nil
		case <-time.After(patience):
			return fmt.Errorf("%s never led", name)
		}
	}
	stopFirst, firstDone := candidate("first")
	defer stopFirst()
	if err := wait("first"); err != nil {
		return err
	}
	stopSecond, secondDone := candidate("second")
	defer stopSecond()
	stopFirst()
	<-firstDone
	if err := wait("second"); err != nil {
		return err
	}
	lease, err := client.CoordinationV1().Leases(namespace).Get(ctx, "leader", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("election: held by %s, transitions %d\n", *lease.Spec.HolderIdentity, *lease.Spec.LeaseTransitions)
	stopSecond()
	<-secondDone
	return nil
}

func until(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
