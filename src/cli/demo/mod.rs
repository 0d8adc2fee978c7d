//! The parts of `ark demo`: a world to load, a picture of a cluster, a disaster, and the comparison that proves a restore.
//!
//! Everything but the loading works on a [`Cluster`](crate::cluster::Cluster), as any client would. The product's own
//! code is not used to judge the product: what came back is compared with a picture taken before, object by object.

pub(crate) mod belongings;
pub(crate) mod compare;
pub(crate) mod disaster;
pub(crate) mod leftout;
pub(crate) mod picture;
pub(crate) mod world;
